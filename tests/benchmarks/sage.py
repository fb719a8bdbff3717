"""2,000 small annotated files on a served Sage backend: our `apply` and no-op `plan` beside the official sync.

Both get files of the same sizes, the same folders and the same values, over loopback HTTP, one after the other on one
server, each into a project of its own; the bytes differ, for the service takes no bytes twice. Calls are counted in
the clients by what their HTTP libraries log. The folders that the official client needs are there before its clock
starts; ours are made by the apply.

Run: `python -m tests.benchmarks.sage [FILES]`. RECONCILER_SAGE_PYTHON names another interpreter that has the official
client than that of `make official`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import measure
from tests.benchmarks.service import COUNTED, RUN_IMPORT, Phase, measured_phase, phase_line, served

ROOT = Path(__file__).resolve().parents[2]
FILES, FOLDERS = 2_000, 20
TOKEN = "pat-bench-" + "a1b2" * 5
SEED = f"sage: {{users: [{{id: 3000001, userName: bench, email: a@b.co, tokens: [{TOKEN}]}}]}}\n"
DOCUMENTS = """
apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {name: bench}
spec:
  backends: {served: {type: sage, token: "${env.BENCH_TOKEN}", endpoints: ENDPOINTS}}
  defaultBackend: served
---
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: study}
spec: {title: ours, sage: {type: project}}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: study, manifest: {url: ours.tsv}, sage: {folders: mirror}}
"""
CONFIGURATION = """
[default]
authtoken = {token}
[endpoints]
repoEndpoint = {url}/repo/v1
authEndpoint = {url}/auth/v1
fileHandleEndpoint = {url}/file/v1
portalEndpoint = {url}/portal/www.synapse.org/
[cache]
location = {folder}/cache
"""
# Makes the project and its folders with one call each, and the manifest that names them.
PREPARE = """
import sys, synapseclient
from synapseclient import Folder, Project
syn = synapseclient.Synapse(silent=True, skip_checks=True)
syn.login(silent=True)
project = syn.store(Project("official"))
ids = [syn.store(Folder(f"f{n:02}", parent=project)).id for n in range(int(sys.argv[1]))]
rows = open("theirs.tsv").read()
for number, found in enumerate(ids):
    rows = rows.replace(f"\\tstudy/f{number:02}\\t", f"\\t{found}\\t")
open("official.tsv", "w").write(rows)
"""
SYNC = """def run():
    import synapseclient, synapseutils
    syn = synapseclient.Synapse(silent=True, skip_checks=True)
    syn.login(silent=True)
    synapseutils.syncToSynapse(syn, "official.tsv", sendMessages=False)
"""


def write_files(folder: Path, owner: str, files: int) -> None:
    """The files, each with bytes of its own, and a manifest of them."""
    rows = ["path\tparent\tassay\tage\tscore\tpaired"]
    for number in range(files):
        place = f"f{number * FOLDERS // files:02}"
        path = folder / owner / place / f"s{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{owner:6} {number:5}\n" * 20)
        paired = str(number % 2 == 0).lower()
        rows.append(f"{path}\tstudy/{place}\trnaSeq\t{number % 90}\t{number % 997 / 8 + 0.01:.3f}\t{paired}")
    (folder / f"{owner}.tsv").write_text("\n".join(rows) + "\n")


def write_settings(folder: Path, url: str) -> None:
    """Our documents, and the configuration of the official client."""
    endpoints = {"repo": "repo/v1", "auth": "auth/v1", "file": "file/v1", "portal": "portal/www.synapse.org/"}
    shown = "{" + ", ".join(f'{name}: "{url}/{path}"' for name, path in endpoints.items()) + "}"
    (folder / "reconciler.yaml").write_text(DOCUMENTS.replace("ENDPOINTS", shown))
    (folder / ".synapseConfig").write_text(CONFIGURATION.format(token=TOKEN, url=url, folder=folder))


def run(files: int) -> dict[str, Phase]:
    """Measure both clients on one server."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    os.environ["BENCH_TOKEN"] = TOKEN
    try:
        for owner in ("ours", "theirs"):
            write_files(folder, owner, files)
        with served(folder, SEED) as server:
            write_settings(folder, server.url)
            print(f"\n{files:,} files with annotations in {FOLDERS} folders, at a served Sage backend")
            phases: dict[str, Phase] = {}

            def phase(name: str, command: list[str]) -> None:
                phases[name] = measured_phase(folder, server, command)
                print(phase_line(name, phases[name], files))

            counted = [sys.executable, "-c", COUNTED]
            phase("first apply", [*counted, "apply", "--auto-approve"])
            phase("no-op plan", [*counted, "plan", "--detailed-exitcode"])
            if python := _official_python():
                official = ["env", f"HOME={folder}", python, "-W", "ignore", "-c"]
                measure([*official, PREPARE, str(FOLDERS)], folder)
                phase("official, first sync", [*official, COUNTED.replace(RUN_IMPORT, SYNC)])
                phase("official, repeated sync", [*official, COUNTED.replace(RUN_IMPORT, SYNC)])
                _print_ratios(phases)
            return phases
    finally:
        shutil.rmtree(folder)


def _official_python() -> str:
    default = ROOT / ".venv-sage-official" / "bin" / "python"
    return os.environ.get("RECONCILER_SAGE_PYTHON") or (str(default) if default.exists() else "")


def _print_ratios(phases: dict[str, Phase]) -> None:
    for ours, theirs in (("first apply", "official, first sync"), ("no-op plan", "official, repeated sync")):
        ratio = phases[theirs].client.seconds / phases[ours].client.seconds
        calls = phases[theirs].calls.total() / phases[ours].calls.total()
        print(f"  {theirs:27} {ratio:.1f} × the time of our {ours}, {calls:.1f} × its calls")


def main(files: int = FILES) -> None:
    """One size."""
    run(files)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
