"""What the official client uploaded, and what we lost of our own, comes under the plan by `import --all` alone."""

import os
import shutil
import subprocess
import sys

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.errors import ExitCode

from .conftest import ROOT, Server
from .test_crossing import PICS, UNITS, bench, collection_id, converse

__all__ = ["bench"]


@pytest.fixture
def server(tmp_path_factory):
    """A server that holds nothing yet: `import --all` takes all there is."""
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def uploaded(official_python, server, bench):
    """200 units of the official client in a collection of its own, and a workspace without any document."""
    assert bench.apply(PlanOptions(targets=(PICS,))).exit_code is ExitCode.OK
    url = f"http://127.0.0.1:{server.port}"
    assert converse(official_python, bench.root / "data", "upload", url, collection_id(bench)) == UNITS
    lose_everything_here(bench)
    return bench


def lose_everything_here(bench):
    shutil.rmtree(bench.root / ".reconciler")
    (bench.root / "main.yaml").unlink()


def run(bench, *arguments):
    """The command line in a process of its own, as people run it."""
    command = [sys.executable, "-c", "from reconciler.cli.main import run; run()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "CI": "1"}
    return subprocess.run(command, cwd=bench.root, capture_output=True, text=True, timeout=300, env=environment)


def units_there(bench):
    """Id → marker, metadata and checksums of all units of the only collection."""
    with bench.session() as session:
        provider = session.provider("lab")
        (collection,) = provider.discover("Collection")
        pages = provider.list_units(collection.remote_id).pages
        return {unit.remote_id: (unit.owner, unit.meta, unit.checksums) for page in pages for unit in page}


@pytest.mark.parametrize("source", [(), ("--source", "data")], ids=["as they are", "with their source"])
def test_units_of_the_official_client_are_imported_without_any_document(uploaded, source):
    before = units_there(uploaded)
    done = run(uploaded, "import", "--all", *source)
    assert done.returncode == 0, done.stderr
    assert f"{UNITS} rows taken over" in done.stdout
    (document,) = (uploaded.root / "imported").glob("collection-*.yaml")
    name = document.stem.removeprefix("collection-")
    written = (uploaded.root / f"imported/assetset-{name}.yaml").read_text()
    assert ("source:" in written, "existing:" in written) == (bool(source), not source)
    assert len(written.splitlines()) < 20
    plan = run(uploaded, "plan", "-detailed-exitcode")
    assert plan.returncode == 0, plan.stdout
    assert (len(before), units_there(uploaded)) == (UNITS, before)


def test_what_we_uploaded_is_rebuilt_without_state_and_documents(bench):
    assert bench.apply().exit_code is ExitCode.OK
    owned, before = bench.owned()["AssetSet/all"], units_there(bench)
    for path in (bench.root / ".reconciler").glob("state.db*"):
        path.unlink()
    assert run(bench, "import", "--all", "--no-write").returncode == 0
    assert run(bench, "plan", "-detailed-exitcode").returncode == 0
    lose_everything_here(bench)
    done = run(bench, "import", "--all")
    assert done.returncode == 0, done.stderr
    plan = run(bench, "plan", "-detailed-exitcode")
    assert plan.returncode == 0, plan.stdout
    assert (bench.owned()["AssetSet/all"], units_there(bench)) == (owned, before)
