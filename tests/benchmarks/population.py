"""A large asset set on the embedded backend, against the bare walk of its tree and against Terraform.

Tree: three folders (pictures, labels, every second unit a DICOM file), 2.5 files of about 1.6 kB per unit, every file
with bytes of its own.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, Figure, best, measure

WALK = """
import os, sys
stack = [sys.argv[1]]
while stack:
    with os.scandir(stack.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False): stack.append(entry.path)
            else: entry.stat()
"""
WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: pictures}
spec:
  fileSpecifications:
    - {name: image_1, type: image, extensions: [.jpg], required: true, primary: true}
    - {name: label_1, type: data, extensions: [.json], required: true}
    - {name: dicom_1, type: data, extensions: [.dcm]}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: pictures, source: {url: data}}
"""
TERRAFORM = """
resource "terraform_data" "unit" {
  count = COUNT
  input = { key = "sample_${count.index}", image = sha1("image ${count.index}"), label = sha1("label ${count.index}") }
}
"""


def make_tree(folder: Path, units: int) -> int:
    """Write the tree; returns the number of files."""
    kinds = {"images": ".jpg", "labels": ".json", "dicoms": ".dcm"}
    for kind in kinds:
        (folder / "data" / kind).mkdir(parents=True)
    files = 0
    for number in range(units):
        for kind, suffix in kinds.items():
            if kind == "dicoms" and number % 2:
                continue
            (folder / "data" / kind / f"sample_{number:06}{suffix}").write_bytes(_content(kind, number))
            files += 1
    (folder / "main.yaml").write_text(WORKSPACE)
    return files


def _content(kind: str, number: int) -> bytes:
    text = hashlib.sha256(f"{kind} {number}".encode()).hexdigest() * 25
    if kind == "labels":
        return f'{{"label": "{text}"}}'.encode()
    return (b"\xff\xd8\xff" if kind == "images" else b"\0" * 128 + b"DICM") + text.encode()


def picture_bytes(number: int) -> bytes:
    """The picture of a unit; every number has its own."""
    return _content("images", number)


def run(units: int) -> dict[str, float]:
    """Measure one size; returns seconds by phase."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        files = make_tree(folder, units)
        print(f"\n{units:,} units, {files:,} files")
        walk = best([sys.executable, "-c", WALK, "data"], folder)
        bare = best([sys.executable, "-c", "pass"], folder)
        limit = walk.seconds - bare.seconds
        print(f"  bare scandir + stat walk    {walk}   (interpreter alone {bare.seconds:.2f} s; walk {limit:.2f} s)")
        plan, apply = [*RECONCILER, "plan"], [*RECONCILER, "apply", "--auto-approve"]
        phases: dict[str, Figure] = {}
        phases["plan from nothing"] = measure(plan, folder)
        phases["apply"] = measure(apply, folder)
        phases["first plan after it"] = measure(plan, folder)
        phases["no-op plan"] = best(plan, folder)
        changed = folder / "data/labels/sample_000007.json"
        changed.write_text('{"label": "changed"}')
        phases["plan, one file changed"] = measure(plan, folder)
        phases["apply, one file changed"] = measure(apply, folder)
        for name, figure in phases.items():
            per_unit = figure.seconds / units * 1e6
            print(f"  {name:27} {figure}   {per_unit:8.1f} µs a unit   {figure.seconds / limit:6.1f} × walk")
        return {name: figure.seconds for name, figure in phases.items()}
    finally:
        shutil.rmtree(folder)


def run_terraform(resources: int) -> None:
    """The same population as Terraform resources, when it is on the machine."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-tf-"))
    try:
        (folder / "main.tf").write_text(TERRAFORM.replace("COUNT", str(resources)))
        measure(["terraform", "init", "-input=false", "-no-color"], folder)
        print(f"\nTerraform, {resources:,} terraform_data resources")
        for name, command in {
            "plan from nothing": ["terraform", "plan", "-input=false", "-no-color", "-out=saved"],
            "apply": ["terraform", "apply", "-input=false", "-no-color", "saved"],
            "no-op plan": ["terraform", "plan", "-input=false", "-no-color"],
        }.items():
            figure = measure(command, folder)
            print(f"  {name:27} {figure}   {figure.seconds / resources * 1e6:8.1f} µs a resource")
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Both sizes, their ratio, and Terraform."""
    small, large = run(10_000), run(100_000)
    print("\ncost of a unit at 100,000 against 10,000")
    for name in small:
        print(f"  {name:27} {large[name] / 10 / small[name]:.2f} ×")
    if shutil.which("terraform"):
        run_terraform(1_000)
        run_terraform(3_000)
    else:
        print("\nTerraform is not on this machine: no comparison")


if __name__ == "__main__":
    main()
