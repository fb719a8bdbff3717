"""`reconciler submit` against the job service of a real cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.serving import COMMAND
from tests.support.workspace import make_bench

SECRET = "sesame-0123456789"


@pytest.fixture(scope="module")
def dashboard() -> Iterator[str]:
    """The address of the job service of a cluster, whose jobs find the Python that runs the tests."""
    from ray.cluster_utils import Cluster

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = {"include_dashboard": True, "dashboard_host": "127.0.0.1", "dashboard_port": port}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        size = {"num_cpus": 2, "object_store_memory": 100 << 20}
        cluster = Cluster(initialize_head=True, head_node_args={**size, **web})
        try:
            yield _ready(f"http://127.0.0.1:{port}")
        finally:
            cluster.shutdown()


def _ready(url: str) -> str:
    for _ in range(240):
        try:
            httpx.get(f"{url}/api/jobs/").raise_for_status()
            return url
        except httpx.HTTPError:
            threading.Event().wait(0.25)
    raise AssertionError("no job service after a minute")


def _submit(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "submit", *arguments], cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_job_applies_in_the_folder_and_its_log_is_shown(dashboard, tmp_path):
    bench = make_bench(tmp_path)
    done = _submit(tmp_path, "--address", dashboard)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Apply complete! Resources: 2 added" in done.stdout
    assert sorted(bench.owned()["AssetSet/pics-2026"]) == ["a", "b", "c"]


def test_exit_code_is_that_of_the_job(dashboard, tmp_path):
    make_bench(tmp_path)
    assert _submit(tmp_path, "--address", dashboard, "--", "plan", "--detailed-exitcode").returncode == 2


def test_passed_variable_reaches_the_job_and_no_output(dashboard, tmp_path):
    bench = make_bench(tmp_path)
    bench.set("Collection", "pics", title="${env.WORD}")
    arguments = ("--address", dashboard, "--pass-env", "WORD", "--", "plan")
    done = _submit(tmp_path, *arguments, WORD=SECRET)
    lost = _submit(tmp_path, "--address", dashboard, "--", "plan", WORD=SECRET)
    assert SECRET not in done.stdout + done.stderr
    assert "WORD" in lost.stdout  # without the option the job lacks it
    assert lost.returncode == 10


def test_interrupt_stops_following_and_the_job_goes_on(dashboard, tmp_path):
    make_bench(tmp_path)
    command = [*COMMAND, "submit", "--address", dashboard, "--", "serve"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    while "serving on" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    job_id = err.partition("ray job stop ")[2].split()[0]
    jobs = {job["submission_id"]: job["status"] for job in httpx.get(f"{dashboard}/api/jobs/").json()}
    assert jobs[job_id] == "RUNNING"
    httpx.post(f"{dashboard}/api/jobs/{job_id}/stop", timeout=30)
