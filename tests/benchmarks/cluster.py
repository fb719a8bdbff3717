"""Threads against a Ray cluster of two workers on this machine: plan from nothing and apply to a served backend.

Both must end with the same plan and the same content, else the figures mean nothing. It runs in the environment of
tests/ray (`make ray`) and in a network of its own; RECONCILER_BENCH_CLUSTER says how many units (default 4,000).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
UNITS = int(os.environ.get("RECONCILER_BENCH_CLUSTER", "4000"))
PYTHON = ROOT / ".venv-ray" / "bin" / "python"
ALONE = ("unshare", "--map-root-user", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "alone")


def main() -> None:
    """Run the comparison in its own environment, or say why not."""
    print("\nthreads against Ray with two workers")
    if obstacle := _obstacle():
        print(f"  not measured: {obstacle}")
        return
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [*ALONE, str(PYTHON), "-m", "tests.benchmarks.cluster"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout.rstrip())
    if done.returncode:
        raise RuntimeError(f"the comparison ended with {done.returncode}")


def _obstacle() -> str:
    if not (ROOT / ".venv-ray" / ".installed").exists():
        return "Ray is not installed (make ray)"
    try:
        alone = subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        alone = False
    return "" if alone else "no network namespace can be made here, and Ray would listen on all interfaces"


def compare() -> None:
    """Measure both; called in the environment that has Ray."""
    from ray.cluster_utils import Cluster

    from reconciler.model.workspace import Execution, ExecutorKind

    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        runs = [_run(Execution()), _run(Execution(ExecutorKind.RAY, cluster.address))]
    finally:
        cluster.shutdown()
    (local, local_digest), (there, there_digest) = runs
    del local["join"]
    print(f"  joining the cluster takes {there.pop('join'):.2f} s")
    for phase, seconds in local.items():
        ratio = there[phase] / seconds
        print(f"  {phase:18} threads {seconds:6.2f} s   Ray {there[phase]:6.2f} s   {ratio:.2f} ×")
    if local_digest != there_digest:
        raise RuntimeError(f"the results differ: {local_digest} and {there_digest}")
    print(f"  {UNITS:,} units, the same plan and the same content: {local_digest[:16]}")


def _run(execution: Any) -> tuple[dict[str, float], str]:
    """Seconds by phase, and the digest of plan and content. Joining the cluster counts as a phase of its own."""
    from reconciler.config import load
    from reconciler.engine.applying import apply_plan
    from reconciler.engine.context import PlanOptions
    from reconciler.engine.planning import make_plan
    from reconciler.engine.session import Session
    from tests.support.lab import lab_workspace

    total = hashlib.sha256()
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder,
        lab_workspace(Path(folder), [f"unit_{number:06}" for number in range(UNITS)]) as bench,
        Session(load(bench.root, environ={}), execution=execution) as session,
        session.lock("apply"),
    ):
        start = time.perf_counter()
        _ = session.executor
        joined = time.perf_counter()
        store = session.open_state()
        plan = make_plan(session, PlanOptions(), bench.root / "plan", store=store)
        planned = time.perf_counter()
        for change in plan.changes():
            total.update(repr([change, list(plan.rows(change.address))]).encode())
        began = time.perf_counter()
        report = apply_plan(session, store, plan)
        ended = time.perf_counter()
        plan.close()
        if report.failures:
            raise RuntimeError(f"the apply failed: {report.failures[0]}")
        owned = next(o for address in store.resources() if (o := store.resource(address)) and o.remote_id)
        pages = session.provider("lab").list_units(owned.remote_id).pages  # type: ignore[arg-type,union-attr]
        rows = [[str(u.owner), dict(u.meta), dict(u.checksums)] for page in pages for u in page]
        total.update("".join(sorted(json.dumps(row, sort_keys=True) for row in rows)).encode())
    seconds = {"join": joined - start, "plan from nothing": planned - joined, "apply": ended - began}
    return seconds, total.hexdigest()


if __name__ == "__main__":
    compare()
    sys.exit(0)
