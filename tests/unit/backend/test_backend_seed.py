"""The seed document: everything wrong is said at once, and applying it twice changes nothing."""

import pytest

from reconciler.backend.seed import parse_seed, read_seed
from reconciler.errors import ConfigError

GOOD = {
    "datamaker": {
        "sdkCompat": False,
        "multipartThreshold": 10,
        "storage": {"provider": "gcs"},
        "tenants": [{"code": "acme", "name": "Acme"}],
        "users": [{"email": "a@b.co", "password": "pw", "tenants": ["acme"], "tokens": ["syn_secret_1"]}],
    },
    "sage": {"users": [{"id": 3000001, "userName": "t", "tokens": ["pat-tester"]}]},
}


def test_all_problems_of_a_seed_are_reported_without_secrets():
    bad = {
        "datamaker": {
            "sdkCompat": "yes",
            "multipartThreshold": 0,
            "storage": {"provider": "tape"},
            "tenants": [{"code": "a b"}, {"name": "x"}, 5],
            "users": [{"email": "a@b.co", "tenants": ["none"], "tokens": ["topsecret token"], "x": 1}],
        },
        "other": {},
    }
    with pytest.raises(ConfigError) as caught:
        parse_seed(bad, name="seed.yaml")
    assert len(caught.value.problems) == 10
    assert "topsecret" not in str(caught.value)
    assert all(str(problem).startswith("seed.yaml: ") for problem in caught.value.problems)


def test_seed_applied_twice_changes_nothing(open_backend, anonymous):
    first = open_backend(seed=GOOD, token="syn_secret_1")
    me = first.ok("GET", "/v2/users/me/")
    second = open_backend(seed=GOOD, token="syn_secret_1")
    assert second.ok("GET", "/v2/users/me/") == me
    assert len(second.ok("GET", "/v2/tokens/")) == 1
    assert second.ok("GET", "/storages/?category=internal")[0]["provider"] == "gcs"
    login = {"email": "a@b.co", "password": "pw"}
    assert anonymous(second.app).post("/users/login/", json=login).status_code == 200


def test_settings_of_a_seed_stay_without_it(open_backend):
    open_backend(seed=GOOD)
    assert open_backend().app.store.settings.multipart_threshold == 10


def test_seed_hides_secrets_from_its_repr():
    assert "secret" not in repr(parse_seed(GOOD))
    assert "pat-tester" not in repr(parse_seed(GOOD))


@pytest.mark.parametrize("text", ["[1]", "a: [", None])
def test_unreadable_seed_file_is_a_config_error(tmp_path, text):
    file = tmp_path / "seed.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError):
        read_seed(file)
