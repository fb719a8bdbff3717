"""What the official Sage client synchronised comes under the plan by `import --all` alone, and leaves by our export."""

import subprocess

import pytest
import yaml

from reconciler.errors import ExitCode
from tests.support.workspace import Bench

from .conftest import SAGE_TOKEN, Server, sage_environment

_ROWS = (
    "path\tparent\tname\tcontentType\tused\tactivityName\tage\twhen\tdoses\n"
    "{0}/a.txt\t{1}\ta.txt\ttext/plain\thttps://example.org/x\tMade\t4\t2024-05-06T07:08:09Z\t[1.5, 2.5]\n"
    "{0}/b.txt\t{2}\tb.txt\ttext/csv\t\t\t5\t\t\n"
)


@pytest.fixture
def server(tmp_path_factory):
    """A server that holds nothing yet."""
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def synapse(sage_python, server, tmp_path):
    """Runs the command line of the client; gives its output once it ended well."""
    environment = sage_environment(tmp_path, server.port)

    def run(*arguments):
        command = [sage_python, "-m", "synapseclient", "--skip-checks", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
        return done.stdout + done.stderr

    return run


@pytest.fixture
def synchronised(synapse, server, tmp_path):
    """A workspace without documents over a project of two files, which `synapse sync` made."""
    project = _made(synapse("create", "Project", "--name", "Lung 7"))
    folder = _made(synapse("create", "Folder", "--name", "raw", "--parentId", project))
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"bytes of {name}")
    (tmp_path / "files.tsv").write_text(_ROWS.format(tmp_path, project, folder))
    synapse("sync", "files.tsv")
    root = tmp_path / "w"
    root.mkdir()
    url = f"http://127.0.0.1:{server.port}"
    endpoints = {"repo": f"{url}/repo/v1", "auth": f"{url}/auth/v1", "file": f"{url}/file/v1"}
    workspace = {"apiVersion": "reconciler.dev/v1", "kind": "Workspace", "metadata": {"name": "lab"}}
    backend = {"type": "sage", "token": SAGE_TOKEN, "endpoints": endpoints}
    workspace["spec"] = {"backends": {"lab": backend}, "defaultBackend": "lab"}
    (root / "reconciler.yaml").write_text(yaml.safe_dump(workspace))
    return Bench(root, {}, open_backend=None)


def _made(output):
    return next(word.strip(".,()[]") for word in output.split() if word.startswith("syn") and word[3:6].isdigit())


def test_plan_after_official_sync_and_import_is_empty(synchronised):
    report = synchronised.import_all()
    assert (report.rows, report.failures) == (2, ())
    planned = synchronised.plan()
    assert planned.is_empty, planned.text
    assert synchronised.apply().exit_code is ExitCode.OK


def test_export_of_an_official_sync_has_its_cells(synchronised):
    synchronised.import_all()
    synchronised.set("Export", "dump", collection="lung-7", format="manifest", destination={"url": "out"})
    assert synchronised.apply().exit_code is ExitCode.OK
    assert (synchronised.root / "out/files/raw/b.txt").read_text() == "bytes of b"
    header, first, second = (synchronised.root / "out/manifest.csv").read_text().splitlines()
    assert header == "path,parentId,name,contentType,used,activityName,age,doses,when"
    assert first.startswith("files/a.txt,lung-7,a.txt,text/plain,https://example.org/x,Made,")
    assert first.endswith('"[1.5, 2.5]",2024-05-06T07:08:09Z')
    assert second.startswith("files/raw/b.txt,raw,b.txt,text/csv,")
