"""Rows that we write, the official Sage client reads; a table that it makes, we take over without a change."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from reconciler.engine.session import open_backend
from reconciler.errors import ExitCode
from tests.support.workspace import Bench, document

from .conftest import SAGE_TOKEN, sage_environment

COLUMNS = [
    {"name": "patient", "type": "STRING", "maximumSize": 20},
    {"name": "age", "type": "INTEGER"},
    {"name": "seen", "type": "DATE"},
    {"name": "tags", "type": "STRING_LIST"},
    {"name": "note", "type": "LARGETEXT"},
]
ROWS = 'patient,age,seen,tags,note\np1,44,2026-05-06,"[""a"", ""b""]","a ""b"", c\\d"\np2,,,,"two\nlines"\n'


@pytest.fixture
def bench(server, tmp_path):
    """A project and a table, applied on the served store."""
    url = f"http://127.0.0.1:{server.port}"
    endpoints = {"repo": "repo/v1", "auth": "auth/v1", "file": "file/v1", "portal": "portal/www.synapse.org/"}
    endpoints = {name: f"{url}/{path}" for name, path in endpoints.items()}
    made = Bench(tmp_path / "w", open_backend=open_backend)
    made.root.mkdir()
    lab = {"type": "sage", "token": SAGE_TOKEN, "endpoints": endpoints}
    workspace = document("Workspace", "w", {"backends": {"lab": lab}, "defaultBackend": "lab"})
    (made.root / "reconciler.yaml").write_text(yaml.safe_dump(workspace))
    (made.root / "visits.csv").write_text(ROWS)
    made.set("Collection", "lung", title=f"Lung {tmp_path.name}", sage={"type": "project"})
    made.set("Table", "visits", parent="lung", columns=COLUMNS, rows={"url": "visits.csv", "key": ["patient"]})
    report = made.apply()
    assert report.exit_code is ExitCode.OK, report
    return made


def converse(python, server, folder, **given):
    done = subprocess.run(
        [python, str(Path(__file__).with_name("crossing_tables.py"))],
        input=json.dumps({**given, "folder": str(folder)}),
        capture_output=True,
        text=True,
        timeout=240,
        env=sage_environment(folder, server.port),
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_tables_cross_both_ways(bench, server, sage_python, tmp_path):
    project, table = bench.remote_id("Collection/lung"), bench.remote_id("Table/visits")
    answer = converse(sage_python, server, tmp_path, table=table, project=project)
    assert answer["rows"] == [
        ["p1", 44.0, 1778025600000, ["a", "b"], 'a "b", c\\d'],
        ["p2", None, None, [], "two\nlines"],
    ]
    (bench.root / "theirs.csv").write_text('patient,doses,weight\nq1,"[1, 2]",70.5\nq2,,1000\n')
    bench.import_all()
    (path,) = (bench.root / "imported").glob("table-theirs*.yaml")
    written = yaml.safe_load(path.read_text())
    assert [column["type"] for column in written["spec"]["columns"]] == ["STRING", "INTEGER_LIST", "DOUBLE"]
    assert bench.plan().is_empty
    written["spec"]["rows"] = {"url": "../theirs.csv", "key": ["patient"]}
    path.write_text(yaml.safe_dump(written))
    address = f"Table/{written['metadata']['name']}"
    assert set(bench.plan().rows[address].values()) == {("adopt", "marked_as_ours")}
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty
