"""A large asset set at a served backend: `reconciler serve` in a process of its own, over loopback HTTP.

Seconds, memory of both processes and HTTP calls by kind. Calls must grow with pages and batches; the floor is the same
listing read raw, with httpx and json alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, Figure, measure
from tests.benchmarks.population import make_tree, picture_bytes

TOKEN = "syn_0123456789abcdef0123456789abcdef01234567"
SEED = f"""
datamaker:
  tenants: [{{code: acme, name: Acme}}]
  users: [{{email: a@b.co, password: pw, name: Bench, tenants: [acme], tokens: [{TOKEN}]}}]
"""
SETTINGS = """
apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {name: bench}
spec:
  backends: {served: {type: datamaker, url: URL, token: "${env.BENCH_TOKEN}", tenant: acme}}
  defaultBackend: served
"""
METADATA = """
---
apiVersion: reconciler.dev/v1
kind: MetadataSource
metadata: {name: ages}
spec: {table: {url: ages.csv, key: unit, columns: {age: {type: integer}}}}
"""
# HTTP libraries tell of every request in their logs; this keeps the tally beside the run, and nothing else. What
# urllib3 says besides has fewer arguments.
COUNTED = """
import collections, json, logging, re, sys
calls = collections.Counter()
class Tally(logging.Handler):
    def emit(self, record):
        if record.name.startswith("urllib3") and len(record.args) < 8:
            return
        method, url = "PUT", str(record.args[0])
        if not record.name.startswith("reconciler"):
            method, url = map(str, record.args[:2] if record.name == "httpx" else record.args[3:5])
        path = re.sub(r"^[a-z]+://[^/]+", "", url).partition("?")[0]
        path = re.sub(r"/(uploads|sage)/.*", r"/\\1/{key}", re.sub(r"/(syn)?[0-9]+(?=/|$)", "/{id}", path))
        calls[method + " " + path] += 1
levels = {"httpx": logging.INFO, "reconciler.providers.direct": logging.INFO, "urllib3.connectionpool": logging.DEBUG}
for name, level in levels.items():
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.addHandler(Tally())
    logger.propagate = False
from reconciler.cli.main import run
try:
    run()
finally:
    json.dump(calls, open("calls.json", "w"))
"""
LISTING = "params = {'data_collection': 1, 'expand': 'files', 'page_size': 100, 'pagination': 'cursor'}"
RAW = f"""
import httpx, json, sys
headers = {{"SYNAPSE-ACCESS-TOKEN": "Token {TOKEN}", "SYNAPSE-Tenant": "Token acme"}}
units = 0
with httpx.Client(base_url=sys.argv[1], headers=headers) as client:
    (collection,) = client.get("/v2/data-collections/").json()["data"]
    {LISTING}
    params["data_collection"] = collection["id"]
    page = json.loads(client.get("/data_units/", params=params).content)
    units += len(page["results"])
    while page["next"]:
        page = json.loads(client.get(page["next"]).content)
        units += len(page["results"])
print(units)
"""
LIST = """
import os, sys
from reconciler.model.workspace import BackendSettings
from reconciler.providers.registry import open_provider
settings = {"url": sys.argv[1], "token": os.environ["BENCH_TOKEN"], "tenant": "acme"}
provider = open_provider(BackendSettings("served", "datamaker", settings))
(collection,) = provider.discover("Collection")
print(sum(len(page) for page in provider.list_units(collection.remote_id).pages))
provider.close()
"""


@dataclass(frozen=True)
class Phase:
    """One command against the server. server_peak_mib: highest in this phase; server_cpu_s: its processor seconds.

    server_wait_s: how long its threads, all together, were ready to run and had no processor to run on.
    """

    client: Figure
    server_peak_mib: float
    server_cpu_s: float
    server_wait_s: float
    calls: Counter[str]


class Server:
    """A running `reconciler serve`."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.url, self._proc, self._pid = url, Path(f"/proc/{process.pid}"), process.pid

    def reset_peak(self) -> None:
        """Forget the highest memory so far (Linux, /proc/PID/clear_refs)."""
        (self._proc / "clear_refs").write_text("5")

    @property
    def peak_mib(self) -> float:
        """The most memory since `reset_peak`."""
        found = re.search(r"VmHWM:\s+(\d+) kB", (self._proc / "status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    @property
    def cpu_s(self) -> float:
        """Processor seconds since the start, in user and system mode."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def wait_s(self) -> float:
        """Seconds that its threads waited for a processor since they began (Linux, /proc/PID/task/TID/schedstat)."""
        texts = (path.read_text() for path in (self._proc / "task").glob("*/schedstat"))
        return sum(int(text.split()[1]) for text in texts) / 1e9


@contextmanager
def served(folder: Path, seed: str = SEED) -> Iterator[Server]:
    """Serve an empty store below `folder`."""
    (folder / "seed.yaml").write_text(seed)
    command = [*RECONCILER, "serve", "--listen", "127.0.0.1:0", "--store", "store", "--seed", "seed.yaml"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process, process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def write_workspace(folder: Path, units: int, url: str) -> int:
    """Make the tree, the metadata table and the documents; returns the number of files."""
    files = make_tree(folder, units)
    documents = (
        (folder / "main.yaml")
        .read_text()
        .replace("source: {url: data}", "source: {url: data}, metadata: [ages], prune: true")
    )
    (folder / "main.yaml").write_text(documents + METADATA)
    (folder / "reconciler.yaml").write_text(SETTINGS.replace("URL", url))
    write_ages(folder, units, {})
    return files


def write_ages(folder: Path, units: int, changed: dict[int, int]) -> None:
    """The metadata table: a row per unit."""
    rows = (f"sample_{number:06},{changed.get(number, number % 90)}" for number in range(units))
    (folder / "ages.csv").write_text("\n".join(["unit,age", *rows]) + "\n")


def change_one_percent(folder: Path, units: int) -> None:
    """A quarter each: metadata edited, a file replaced, a new unit, a unit gone."""
    share = units // 400
    for number in range(share, 2 * share):
        (folder / f"data/labels/sample_{number:06}.json").write_text(f'{{"label": "changed {number}"}}')
    for number in range(units, units + share):
        (folder / f"data/images/sample_{number:06}.jpg").write_bytes(picture_bytes(number))
        (folder / f"data/labels/sample_{number:06}.json").write_text(f'{{"label": "new {number}"}}')
    for number in range(2 * share, 3 * share):
        for place in (
            "images/{}.jpg",
            "labels/{}.json",
            "dicoms/{}.dcm",
        ):  # a pattern would list whole folders each time
            (folder / "data" / place.format(f"sample_{number:06}")).unlink(missing_ok=True)
    write_ages(folder, units + share, dict.fromkeys(range(share), 99))


def run(units: int) -> dict[str, Phase]:
    """Measure one size."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    os.environ["BENCH_TOKEN"] = TOKEN
    try:
        with served(folder) as server:
            files = write_workspace(folder, units, server.url)
            print(f"\n{units:,} units, {files:,} files, at a served backend")
            return _phases(folder, units, server)
    finally:
        shutil.rmtree(folder)


def _phases(folder: Path, units: int, server: Server) -> dict[str, Phase]:
    counted = [sys.executable, "-c", COUNTED]
    phases: dict[str, Phase] = {}

    def phase(name: str, command: list[str]) -> None:
        phases[name] = found = measured_phase(folder, server, command)
        print(phase_line(name, found, units))

    phase("first apply", [*counted, "apply", "--auto-approve"])
    phase("raw listing (httpx, json)", [sys.executable, "-c", RAW, server.url])
    phase("list all units", [sys.executable, "-c", COUNTED.replace(RUN_IMPORT, _RUN_LIST), server.url])
    phase("full refresh (drift)", [*counted, "drift"])
    phase("no-op plan", [*counted, "plan", "--detailed-exitcode"])
    phase("no-op plan, --refresh none", [*counted, "plan", "--detailed-exitcode", "--refresh", "none"])
    change_one_percent(folder, units)
    phase("plan of 1 % changes", [*counted, "plan", "-out=saved.plan"])
    phase("apply of 1 % changes", [*counted, "apply", "saved.plan"])
    phase("no-op plan after it", [*counted, "plan", "--detailed-exitcode"])
    floor = phases["raw listing (httpx, json)"].client.seconds
    for name in ("list all units", "full refresh (drift)", "no-op plan"):
        print(f"  {name:27} {phases[name].client.seconds / floor:.2f} × the raw listing")
    return phases


RUN_IMPORT = "from reconciler.cli.main import run"
_RUN_LIST = "def run():\n" + "\n".join(f"    {line}" for line in LIST.strip().splitlines())


def measured_phase(folder: Path, server: Server, command: list[str]) -> Phase:
    """Run one command in the folder."""
    server.reset_peak()
    cpu_s, wait_s, tally = server.cpu_s, server.wait_s, folder / "calls.json"
    tally.unlink(missing_ok=True)
    figure = measure(command, folder)
    calls = Counter(json.loads(tally.read_text())) if tally.exists() else Counter[str]()
    return Phase(figure, server.peak_mib, server.cpu_s - cpu_s, server.wait_s - wait_s, calls)


def phase_line(name: str, phase: Phase, units: int) -> str:
    """What is printed of a phase."""
    per_unit = phase.client.seconds / units * 1e6
    text = f"  {name:27} {phase.client}   server {phase.server_cpu_s:7.2f} s CPU"
    text += f" {phase.server_wait_s:7.2f} s waiting {phase.server_peak_mib:5.0f} MiB"
    text += f"   {per_unit:8.1f} µs a unit   {phase.calls.total():,} calls"
    return "\n".join([text, *(f"      {count:8,}  {kind}" for kind, count in phase.calls.most_common())])


def main() -> None:
    """Both sizes and their ratio."""
    sizes = (10_000, 100_000)
    small, large = (run(size) for size in sizes)
    print(f"\nat {sizes[1]:,} against {sizes[0]:,} units: calls, and cost of a unit")
    for name in small:
        calls = large[name].calls.total() / max(1, small[name].calls.total())
        cost = large[name].client.seconds / small[name].client.seconds * sizes[0] / sizes[1]
        print(f"  {name:27} {calls:6.1f} × the calls   {cost:.2f} × the cost")


if __name__ == "__main__":
    main()
