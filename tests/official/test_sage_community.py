"""The unmodified official Sage client's teams, evaluations, wikis, forms and messages, against a `serve` process."""

import pytest

from .conftest import SAGE_OTHER_USER, SAGE_TOKEN, SAGE_USER, Server, converse, running, sage_environment

LEAST_CALLS = 60
SCENARIOS = ("begin", "teams", "evaluations", "submissions", "wikis", "small_services")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def community(request, sage_python, tmp_path_factory):
    """All calls of the client, and what the server wrote to its log."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("shared_postgres").database()
    server, folder = Server(tmp_path_factory.mktemp("community"), database), tmp_path_factory.mktemp("client")
    for _ in running(server):
        given = {"user": SAGE_USER, "second": SAGE_OTHER_USER, "folder": str(folder)}
        environment = sage_environment(folder, server.port)
        calls, _context = converse(
            sage_python, "ALL", given, folder, script="sage_community.py", environment=environment
        )
        yield calls, server.log()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_official_sage_client_works_together_with_others(community, scenario):
    calls = [call for call in community[0] if call["scenario"] == scenario]
    assert len(calls) >= 3
    assert {call["call"]: call["error"] for call in calls if not call["ok"]} == {}


def test_official_sage_client_makes_enough_different_calls_together(community):
    assert len({call["call"] for call in community[0]}) >= LEAST_CALLS


def test_log_of_working_together_holds_no_secret_and_no_traceback(community):
    assert not [secret for secret in (SAGE_TOKEN, "Traceback", "X-Amz-Signature=") if secret in community[1]]
