import json

import pytest

from reconciler.errors import ConfigError, Denied
from reconciler.model.workspace import BackendSettings
from reconciler.providers.datamaker.connection import complete_settings, connect, find_credentials


def find(settings=None, environ=None, home=None):
    return find_credentials(BackendSettings("lab", "datamaker", settings or {}), environ or {}, home)


@pytest.fixture
def home(tmp_path):
    def write(content):
        (tmp_path / ".synapse").mkdir()
        (tmp_path / ".synapse" / "config.json").write_text(json.dumps(content))

    return type("Home", (), {"path": tmp_path, "write": staticmethod(write)})


def test_settings_win(home):
    home.write({"host": "https://file", "access_token": "file"})
    environ = {"SYNAPSE_HOST": "https://env", "SYNAPSE_ACCESS_TOKEN": "env"}
    found = find({"url": "https://set/", "token": "set", "tenant": "acme"}, environ, home.path)
    assert (found.url, found.token, found.tenant) == ("https://set/", "set", "acme")


def test_environment_wins_over_the_file(home):
    home.write({"host": "https://file", "access_token": "file"})
    found = find({}, {"SYNAPSE_HOST": "https://env", "SYNAPSE_ACCESS_TOKEN": "env"}, home.path)
    assert (found.url, found.token) == ("https://env", "env")


def test_file_is_read_last(home):
    home.write({"host": "https://file", "access_token": "file", "tenant": "t"})
    found = find({}, {}, home.path)
    assert (found.url, found.token, found.tenant) == ("https://file", "file", "t")


@pytest.mark.parametrize(
    ("content", "settings", "expected", "reason"),
    [
        ({"default_environment": "a"}, {}, "A", "the default one"),
        ({"default_environment": "a", "access_token": "top"}, {}, "top", "the top level is the tool's own login"),
        ({"default_environment": "a", "access_token": "top"}, {"environment": "b"}, "B", "the one asked for"),
    ],
)
def test_file_with_environments_gives_the_right_one(home, content, settings, expected, reason):
    sections = {name: {"backend_url": f"https://{name}", "access_token": name.upper()} for name in "ab"}
    home.write({**content, "environments": sections})
    assert find(settings, {}, home.path).token == expected, reason


def test_environment_asked_for_wins_over_variables(home):
    home.write({"environments": {"b": {"backend_url": "https://b", "access_token": "B"}}})
    assert find({"environment": "b"}, {"SYNAPSE_ACCESS_TOKEN": "env"}, home.path).token == "B"


def test_unknown_environment_names_those_that_are_there(home):
    home.write({"environments": {"a": {}, "b": {}}})
    with pytest.raises(ConfigError, match=r"'c' is unknown\n.*a, b"):
        find({"environment": "c"}, {}, home.path)


@pytest.mark.parametrize(
    ("environ", "content"),
    [
        ({"SYNAPSE_HOST": "https://elsewhere", "SYNAPSE_ACCESS_TOKEN": "env"}, {}),
        ({}, {"host": "https://elsewhere", "access_token": "file"}),
        ({}, {"access_token": "file"}),
    ],
    ids=["environment", "file", "file without host means the public service"],
)
def test_token_of_another_host_is_not_sent(home, environ, content):
    home.write(content)
    with pytest.raises(Denied):
        find({"url": "https://mine"}, environ, home.path)


def test_token_of_the_environment_without_host_goes_to_the_declared_url(home):
    found = find({"url": "https://mine"}, {"SYNAPSE_ACCESS_TOKEN": "env"}, home.path)
    assert (found.url, found.token) == ("https://mine", "env")


def test_no_credentials_names_every_way_to_give_them(home):
    with pytest.raises(Denied) as raised:
        find({}, {}, home.path)
    for way in ("backends.lab.token", "SYNAPSE_ACCESS_TOKEN", "~/.synapse/config.json"):
        assert way in raised.value.fix


def test_unreadable_file_is_denied_without_its_content(home):
    home.write({})
    (home.path / ".synapse" / "config.json").write_text('{"access_token": "s3cr3t"')
    with pytest.raises(Denied, match="not JSON") as raised:
        find({}, {}, home.path)
    assert "s3cr3t" not in str(raised.value)


def test_user_token_needs_a_tenant(home):
    with pytest.raises(Denied, match="tenant"):
        find({"userToken": "u"}, {}, home.path)


def test_wrong_url_is_a_configuration_error(home):
    with pytest.raises(ConfigError, match=r"backends\.lab\.url"):
        find({"url": "api.synapse.sh", "token": "t"}, {}, home.path)


def test_credentials_show_no_secret(home):
    found = find({"token": "s3cr3t", "userToken": "s3cr3t", "tenant": "t"}, {}, home.path)
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/x/", {"SYNAPSE-ACCESS-TOKEN": "a", "Authorization": "Token u", "SYNAPSE-Tenant": "t"}),
        ("/x/", {"SYNAPSE-ACCESS-TOKEN": "Token a", "Authorization": "Token u", "SYNAPSE-Tenant": "Token t"}),
    ],
    ids=["v2", "v1"],
)
def test_each_dialect_gets_its_headers(path, expected):
    settings = BackendSettings("lab", "datamaker", {"token": "a", "userToken": "u", "tenant": "t"})
    client = connect(settings, environ={})
    assert client.service.headers_for(path) == expected
    client.close()


def test_complete_settings_let_in_from_another_machine(home, tmp_path):
    """What was found here is said in full, so that no file and no variable is needed there."""
    home.write({"host": "https://h.co", "access_token": "T", "tenant": "t"})
    there = complete_settings(BackendSettings("lab", "datamaker", {}), environ={}, home=home.path)
    found = find_credentials(there, {}, tmp_path / "elsewhere")
    assert (found.url, found.token, found.tenant) == ("https://h.co", "T", "t")
    assert "'T'" not in repr(there)
