"""The unmodified official client against a `serve` process: everything it calls is answered as it expects."""

import subprocess

import pytest

from tests.support import postgres

from .conftest import EMAIL, OTHER_TOKEN, PASSWORD, TOKEN, official_environment

LEAST_CALLS = 60
SCENARIOS = (
    "access", "collections", "files", "units", "annotation", "teams", "ground_truth", "jobs", "errors",
    "asynchronous", "restarted",
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_official_client_calls_succeed(conversation, scenario):
    calls = [call for call in conversation.calls if call["scenario"] == scenario]
    assert len(calls) >= 5
    assert {call["call"]: call["error"] for call in calls if not call["ok"]} == {}


def test_official_client_makes_enough_different_calls(conversation):
    assert len({call["call"] for call in conversation.calls}) >= LEAST_CALLS


def test_server_ends_calmly_between_conversations(conversation):
    assert conversation.exit_code == 0


def test_server_log_holds_no_secret_and_no_traceback(conversation):
    secrets = (TOKEN, OTHER_TOKEN, PASSWORD, postgres.PASSWORD, "Traceback", "signature=")
    assert not [secret for secret in secrets if secret in conversation.log]


def run_cli(python, folder, *arguments):
    return subprocess.run(
        [python, "-m", "synapse_sdk.cli.main", *arguments],
        capture_output=True, text=True, timeout=120, env=official_environment(folder),
    )  # fmt: skip


def test_official_cli_logs_in_and_finds_itself_well(official_python, server, tmp_path):
    url = f"http://127.0.0.1:{server.port}"
    assert run_cli(official_python, tmp_path, "login", "--host", url, "--token", TOKEN).returncode == 0
    doctor = run_cli(official_python, tmp_path, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "Token is valid" in doctor.stdout, doctor.stdout


def test_official_cli_doctor_notices_a_wrong_token(official_python, server, tmp_path):
    url = f"http://127.0.0.1:{server.port}"
    run_cli(official_python, tmp_path, "login", "--host", url, "--token", "syn_" + "0" * 40)
    assert "Token is valid" not in run_cli(official_python, tmp_path, "doctor").stdout


def test_official_cli_lists_tenants(official_python, server, tmp_path):
    url = f"http://127.0.0.1:{server.port}"
    run_cli(official_python, tmp_path, "login", "--host", url, "--token", TOKEN)
    listed = run_cli(official_python, tmp_path, "v2", "tenants", "list")
    assert "acme" in listed.stdout, listed.stdout + listed.stderr
    assert EMAIL not in listed.stdout
