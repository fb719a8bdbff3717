"""Where the token and the endpoints come from."""

import pytest

from reconciler.errors import ConfigError, Denied
from reconciler.model.workspace import BackendSettings
from reconciler.providers.sage.connection import ENDPOINTS, complete_settings, find_access

FILE = """
[default]
authtoken = of-default
[profile lab]
authtoken = of-lab
"""
LOCAL = "[endpoints]\nrepoEndpoint = http://127.0.0.1:1/repo/v1\nfileHandleEndpoint = http://127.0.0.1:1/file/v1/\n"


def _access(tmp_path, text="", environ=None, **settings):
    (tmp_path / ".synapseConfig").write_text(text)
    return find_access(BackendSettings("sage", "sage", settings), environ or {}, tmp_path)


@pytest.mark.parametrize(
    ("settings", "environ", "token", "reason"),
    [
        ({"token": "t", "profile": "lab"}, {"SYNAPSE_AUTH_TOKEN": "e"}, "t", "the document comes first"),
        ({}, {"SYNAPSE_AUTH_TOKEN": "e"}, "e", "then the environment"),
        ({"profile": "lab"}, {"SYNAPSE_AUTH_TOKEN": "e"}, "of-lab", "a profile that is asked for comes before it"),
        ({}, {"SYNAPSE_PROFILE": "lab"}, "of-lab", "the profile of the environment"),
        ({}, {}, "of-default", "then the file"),
    ],
)
def test_find_access_takes_the_first_token(tmp_path, settings, environ, token, reason):
    assert _access(tmp_path, FILE, environ, **settings).token == token, reason


def test_find_access_reads_the_section_of_older_tools(tmp_path):
    assert _access(tmp_path, "[authentication]\nauthtoken = old").token == "old"


def test_find_access_without_token_is_denied(tmp_path):
    with pytest.raises(Denied, match="no personal access token"):
        _access(tmp_path)


def test_find_access_of_unknown_profile_names_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"'labb' is unknown(.|\n)*lab"):
        _access(tmp_path, FILE, profile="labb")


def test_find_access_takes_endpoints_of_document_then_file_then_default(tmp_path):
    found = _access(tmp_path, FILE + LOCAL, token="t", endpoints={"repo": "http://x/repo/v1/"}).endpoints
    assert (found["repo"], found["file"], found["auth"]) == (
        "http://x/repo/v1",
        "http://127.0.0.1:1/file/v1",
        ENDPOINTS["auth"],
    )


def test_find_access_sends_a_token_of_the_file_to_its_endpoints_only(tmp_path):
    with pytest.raises(Denied):
        _access(tmp_path, FILE, endpoints={"repo": "http://elsewhere/repo/v1"})


def test_find_access_never_shows_the_token(tmp_path):
    assert "of-default" not in repr(_access(tmp_path, FILE))


def test_find_access_refuses_an_endpoint_that_is_no_address(tmp_path):
    with pytest.raises(ConfigError, match=r"endpoints\.file: 'ftp://x'"):
        _access(tmp_path, FILE, token="t", endpoints={"file": "ftp://x"})


def test_complete_settings_let_in_from_another_machine(tmp_path):
    (tmp_path / ".synapseConfig").write_text("[profile lab]\nauthtoken = T\n")
    settings = BackendSettings("sage", "sage", {"profile": "lab"})
    there = complete_settings(settings, environ={}, home=tmp_path)
    found = find_access(there, {}, tmp_path / "elsewhere")
    assert (found.token, set(found.endpoints)) == ("T", set(ENDPOINTS))
    assert "'T'" not in repr(there)
