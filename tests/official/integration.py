"""Runs the official Sage client's own integration tests against `serve`, group by group.

Run as `python -m tests.official.integration CHECKOUT [GROUP ...]`, CHECKOUT being the official repository, which is
never part of this one. RECONCILER_SAGE_TESTS_PYTHON names an interpreter with synapseclient 4.14.0, pandas, boto3,
func-timeout, jsonschema, pytest, pytest-asyncio, pytest-mock, pytest-timeout and pytest-xdist. Prints the counts of
each group; all that pytest said stands in `integration-GROUP.log` in the current folder. The seed has a user
`DPETestUser2`, whom these tests invite.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.official.conftest import SAGE_USER, Server, running, sage_environment

_TESTS, _MODELS = "tests/integration/synapseclient", "tests/integration/synapseclient/models/async"
GROUPS = {
    "entities": (
        *(f"{_MODELS}/test_{name}_async.py" for name in ("file", "folder", "project", "activity", "permissions")),
        *(f"{_MODELS}/test_{name}_async.py" for name in ("storable_container", "storage_location", "user")),
        f"{_MODELS.removesuffix('async')}synchronous",
        f"{_TESTS}/integration_test.py",
        f"{_TESTS}/integration_test_Entity.py",
        f"{_TESTS}/core",
        f"{_TESTS}/operations/async/test_delete_operations_async.py",
    ),
    "manifests": ("tests/integration/synapseutils",),
    "cli": (f"{_TESTS}/test_command_line_client.py",),
    "community": (
        *(f"{_MODELS}/test_{name}_async.py" for name in ("team", "wiki", "evaluation", "submission")),
        *(f"{_MODELS}/test_submission_{name}_async.py" for name in ("bundle", "status")),
        f"{_TESTS}/test_evaluations.py",
        f"{_TESTS}/test_wikis.py",
    ),
    "tables": (
        *(f"{_MODELS}/test_{name}_async.py" for name in ("table", "column", "entityview", "submissionview", "dataset")),
        *(f"{_MODELS}/test_{name}_async.py" for name in ("materializedview", "virtualtable")),
        f"{_TESTS}/test_tables.py",
        f"{_TESTS}/operations/async/test_factory_operations_async.py",
        f"{_TESTS}/operations/async/test_factory_operations_store_async.py",
    ),
}
# These speak to hosts other than the endpoints: the web, an SFTP server, Amazon S3, Google Cloud Storage.
OUTSIDE = (
    *("sftp", "external_storage", "version_check", "ftp_download", "http_download", "test_downloadFile"),
    *("test_csv_url", "test_jsonld_url", "TestExternalS3", "TestExternalGCS", "test_command_line_store_and_submit"),
    *("test_external_file_handle", "test_store_changing_external_url_by_changing_path", "test_synapse_store_flag"),
)
CONFIGURATION = """
[pytest]
python_files = test_*.py integration_test*.py
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
"""


def run(checkout: Path, group: str, server: Server, folder: Path) -> str:
    """Run one group; returns pytest's last line."""
    python = os.environ["RECONCILER_SAGE_TESTS_PYTHON"]
    (folder / "pytest.ini").write_text(CONFIGURATION)
    chosen = " and ".join(f"not {name}" for name in OUTSIDE)
    options = ["-c", folder / "pytest.ini", "--rootdir", checkout, "--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["-v", "-rfEs", "--tb=short", "--timeout=90", "--timeout-method=thread", "-n", "2", "-k", chosen]
    environment = {**sage_environment(folder, server.port), "PYTHONPATH": str(checkout)}
    configuration = folder / ".synapseConfig"
    configuration.write_text(configuration.read_text().replace("[default]", f"[default]\nusername = {SAGE_USER}"))
    log = Path(f"integration-{group}.log").resolve()
    with log.open("w") as output:
        command = [python, "-m", "pytest", *options, *GROUPS[group]]
        subprocess.run(command, cwd=checkout, env=environment, stdout=output, stderr=output, check=False)
    return log.read_text().rstrip().rpartition("\n")[2].strip("= ")


def main(checkout: Path, *groups: str) -> None:
    """Run the groups named, or all of them, over one server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for server in running(Server(folder)):
            for group in groups or GROUPS:
                print(f"{group:10} {run(checkout, group, server, folder)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
