"""The unmodified official Sage client, library and command line, against a `serve` process."""

import json
import subprocess

import pytest

from tests.support import postgres

from .conftest import SAGE_OTHER_TOKEN, SAGE_TOKEN, sage_environment

LEAST_CALLS = 60
SCENARIOS = (
    "access", "containers", "files", "large_files", "external_files", "metadata", "storage", "legacy_sync", "new_sync",
    "restarted",
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_official_sage_client_calls_succeed(sage_conversation, scenario):
    calls = [call for call in sage_conversation.calls if call["scenario"] == scenario]
    assert len(calls) >= 5
    assert {call["call"]: call["error"] for call in calls if not call["ok"]} == {}


def test_official_sage_client_makes_enough_different_calls(sage_conversation):
    assert len({call["call"] for call in sage_conversation.calls}) >= LEAST_CALLS


def test_server_ends_calmly_between_conversations_with_sage(sage_conversation):
    assert sage_conversation.exit_code == 0


def test_server_log_holds_no_secret_of_sage_and_no_traceback(sage_conversation):
    secrets = (SAGE_TOKEN, SAGE_OTHER_TOKEN, postgres.PASSWORD, "Traceback", "X-Amz-Signature=")
    assert not [secret for secret in secrets if secret in sage_conversation.log]


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


def created(output):
    """The id in the output of a command that made something."""
    return next(word.strip(".,()[]") for word in output.split() if word.startswith("syn") and word[3:6].isdigit())


def test_cli_stores_lists_and_gets_a_file(synapse, tmp_path):
    project = created(synapse("create", "Project", "--name", f"cli {tmp_path.name}"))
    (tmp_path / "a.txt").write_text("by the command line")
    file = created(synapse("store", "a.txt", "--parentId", project))
    assert "a.txt" in synapse("list", project)
    (tmp_path / "down").mkdir()
    synapse("get", file, "--downloadLocation", "down")
    assert (tmp_path / "down" / "a.txt").read_text() == "by the command line"
    assert "a.txt" in synapse("show", file)
    assert "by the command line" in synapse("cat", file)


def test_cli_annotates_moves_and_deletes(synapse, tmp_path):
    project = created(synapse("create", "Project", "--name", f"cli {tmp_path.name}"))
    folder = created(synapse("create", "Folder", "--name", "f", "--parentId", project))
    other = created(synapse("add", "--parentId", project, "--name", "thing", str(_file(tmp_path))))
    synapse("set-annotations", "--id", other, "--annotations", json.dumps({"kind": "raw"}))
    assert "raw" in synapse("get-annotations", "--id", other)
    synapse("mv", "--id", other, "--parentId", folder)
    assert "thing" in synapse("list", folder)
    synapse("delete", other)
    assert "thing" not in synapse("list", folder)


def test_cli_keeps_provenance(synapse, tmp_path):
    project = created(synapse("create", "Project", "--name", f"cli {tmp_path.name}"))
    file = created(synapse("add", "--parentId", project, str(_file(tmp_path))))
    synapse("set-provenance", "--id", file, "--name", "made by hand", "--used", "https://example.com/")
    assert "made by hand" in synapse("get-provenance", "--id", file)


def test_cli_syncs_a_manifest_up_and_down(synapse, tmp_path):
    project = created(synapse("create", "Project", "--name", f"cli {tmp_path.name}"))
    path = _file(tmp_path)
    (tmp_path / "manifest.tsv").write_text(f"path\tparent\tkind\n{path}\t{project}\traw\n")
    synapse("sync", "manifest.tsv")
    (tmp_path / "down").mkdir()
    synapse("get", "-r", project, "--downloadLocation", "down")
    assert (tmp_path / "down" / path.name).read_bytes() == path.read_bytes()
    assert "raw" in (tmp_path / "down" / "SYNAPSE_METADATA_MANIFEST.tsv").read_text()


def test_cli_writes_a_manifest_of_a_folder(synapse, tmp_path):
    project = created(synapse("create", "Project", "--name", f"cli {tmp_path.name}"))
    (tmp_path / "up" / "inner").mkdir(parents=True)
    (tmp_path / "up" / "inner" / "a.txt").write_text("a")
    synapse("manifest", "up", "--parent-id", project, "--manifest-file", "written.tsv")
    assert "a.txt" in (tmp_path / "written.tsv").read_text()
    assert "inner" in synapse("list", project)


def _file(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text(f"content of {tmp_path}")
    return path
