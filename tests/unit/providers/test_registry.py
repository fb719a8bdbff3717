import pytest

from reconciler.errors import ConfigError
from reconciler.model.workspace import BackendSettings
from reconciler.providers.registry import open_provider


@pytest.mark.parametrize("kind", ["datamaker", "embedded"])
def test_open_provider_gives_the_provider_of_the_type(kind):
    settings = BackendSettings("b", kind, {"token": "t"})
    provider = open_provider(settings, wsgi=(lambda _environ, _start: [], "t") if kind == "embedded" else None)
    assert provider.name == "datamaker"
    provider.close()


def test_open_provider_of_unknown_type_names_those_available():
    with pytest.raises(ConfigError, match=r"backends\.b\.type: 'sagee' is not available\n.*datamaker, embedded"):
        open_provider(BackendSettings("b", "sagee"))


def test_open_provider_of_unknown_dialect_names_those_available():
    with pytest.raises(ConfigError, match=r"backends\.b\.dialect: 'x'"):
        open_provider(BackendSettings("b", "embedded", {"dialect": "x"}), wsgi=(lambda _environ, _start: [], "t"))
