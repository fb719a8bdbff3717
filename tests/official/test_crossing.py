"""What we upload, the official client reads whole; what it uploads, we adopt without a difference."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.engine.importing import import_object
from reconciler.engine.session import open_backend
from reconciler.errors import ExitCode
from reconciler.model.address import Address
from tests.support.workspace import Bench, document

from .conftest import TOKEN, official_environment

UNITS = 200
PICS = Address("Collection", "pics")
ACCESS = ("Group", "ValidationScript", "AccessGrant")
SPECS = [{"name": "image_1", "type": "image", "extensions": [".jpg"], "required": True}]


@pytest.fixture
def bench(server, tmp_path):
    """200 pictures and documents for them on the served store."""
    made = Bench(tmp_path / "w", open_backend=open_backend)
    made.root.mkdir()
    (made.root / "data").mkdir()
    for number in range(UNITS):
        content = f"picture {number} of {tmp_path.name}".encode()
        (made.root / f"data/u{number:03}.jpg").write_bytes(b"\xff\xd8\xff" + content)
    lab = {"type": "datamaker", "url": f"http://127.0.0.1:{server.port}", "tenant": "acme", "token": TOKEN}
    made.documents = {
        ("Collection", "pics"): {"title": f"Crossing {tmp_path.name}", "fileSpecifications": SPECS},
        ("AssetSet", "all"): {
            "collection": "pics",
            "source": {"url": "data"},
            "metadata": ["names"],
            "lifecycle": {"onExists": "adopt"},
        },
        ("MetadataSource", "names"): {"path": {"regex": r"(?P<name>u\d+)"}},
    }
    made.write()
    workspace = document("Workspace", "w", {"backends": {"lab": lab}, "defaultBackend": "lab"})
    (made.root / "reconciler.yaml").write_text(json.dumps(workspace))
    return made


def converse(python, folder, do, url, collection):
    given = {"do": do, "url": url, "token": TOKEN, "collection": int(collection), "folder": str(folder)}
    program = str(Path(__file__).with_name("crossing.py"))
    home = folder.parent / f"home-{do}"
    home.mkdir()
    done = subprocess.run(
        [python, program],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=300,
        env=official_environment(home),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def collection_id(bench):
    with bench.session() as session:
        return session.open_state(read_only=True).resource(PICS).remote_id


def test_official_client_reads_every_byte_and_value_that_we_upload(official_python, server, bench):
    assert bench.apply().exit_code is ExitCode.OK
    url = f"http://127.0.0.1:{server.port}"
    rows = converse(official_python, bench.root / "data", "read", url, collection_id(bench))
    expected = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (bench.root / "data").glob("*.jpg")
    }
    assert {meta["name"]: files for meta, files in rows} == {
        name: {"image_1": digest} for name, digest in expected.items()
    }


def test_units_of_the_official_client_are_adopted_and_show_no_difference(official_python, server, bench):
    assert bench.apply(PlanOptions(targets=(PICS,))).exit_code is ExitCode.OK
    url = f"http://127.0.0.1:{server.port}"
    made = converse(official_python, bench.root / "data", "upload", url, collection_id(bench))
    assert made == UNITS
    assert bench.plan().summary["bytes"] == 0
    report = bench.import_all(write=False)
    assert (report.rows, report.failures) == (UNITS, ())
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_collection_of_the_official_client_is_imported(official_python, server, bench):
    assert bench.apply(PlanOptions(targets=(PICS,))).exit_code is ExitCode.OK
    remote_id = collection_id(bench)
    (bench.root / ".reconciler/state.db").unlink()
    with bench.session() as session:
        import_object(session, session.open_state(), PICS, remote_id)
    assert bench.plan(PlanOptions(targets=(PICS,))).is_empty


def test_official_client_sees_our_access_kinds_and_we_import_theirs(official_python, server, bench):
    bench.documents = {("Collection", "pics"): bench.documents["Collection", "pics"]}
    bench.set("Collection", "pics", datamaker={"groups": ["batch-42"]})
    bench.set("Group", "readers", title="Readers")
    bench.set("ValidationScript", "boxes", title="Boxes", code="a = 1", timeout=7)
    bench.set("AccessGrant", "see", collection="pics", group="readers", roles=["viewer", "manager"])
    assert bench.apply().exit_code is ExitCode.OK
    url = f"http://127.0.0.1:{server.port}"
    seen = converse(official_python, bench.root / "data", "access", url, collection_id(bench))
    assert "Readers" in seen["groups"]
    assert ["Boxes", "a = 1\n", 7] in seen["scripts"]
    assert (seen["units"], seen["roles"]) == (["batch-42"], {"Readers": ["manager", "viewer"]})
    assert bench.plan().is_empty
    written = [path.name for path in bench.import_all().written]
    assert {"group-theirs.yaml", "validationscript-their-check.yaml"} <= set(written)
    assert any(name.startswith("accessgrant-") for name in written)
    actions = {action for address, (action, _) in bench.plan().changes.items() if address.split("/")[0] in ACCESS}
    assert actions == {"no-op"}
