"""The unmodified official Sage client with tables, views and schemas, against a `serve` process."""

import json
import subprocess
from pathlib import Path

from .conftest import sage_environment

LEAST_CALLS = 25


def test_official_sage_client_works_with_tables_views_and_schemas(sage_python, server, tmp_path):
    done = subprocess.run(
        [sage_python, str(Path(__file__).with_name("sage_tables_session.py"))],
        input=json.dumps({"folder": str(tmp_path)}),
        capture_output=True, text=True, timeout=300, env=sage_environment(tmp_path, server.port), check=False,
    )  # fmt: skip
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    assert {call["call"]: call["error"] for call in calls if not call["ok"]} == {}, done.stderr[-3000:]
    assert done.returncode == 0, done.stderr[-3000:]
    assert len({call["call"] for call in calls}) >= LEAST_CALLS
