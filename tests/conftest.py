"""What tests of several folders share: a PostgreSQL server, and how properties are tested."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.support import postgres

# How long an example takes says more about the machine than about the code; benchmarks measure.
with contextlib.suppress(ImportError):
    from hypothesis import HealthCheck, settings

    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-database", action="store_true", help="run all tests of the backend over PostgreSQL too")


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[postgres.Server]:
    """A PostgreSQL server for this run of the tests; skips where there is none, with the reason."""
    pytest.importorskip("psycopg")
    try:
        server = postgres.start()
    except postgres.Unavailable as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
    yield server
    server.stop()


@pytest.fixture
def postgres_server(shared_postgres: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> postgres.Server:
    """The PostgreSQL server, with its password in the environment."""
    monkeypatch.setenv("PGPASSWORD", postgres.PASSWORD)
    return shared_postgres


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that are marked so over every database."""
    everywhere = metafunc.config.getoption("--every-database")
    if "database" in metafunc.fixturenames and (everywhere or metafunc.definition.get_closest_marker("every_database")):
        metafunc.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """What `open_store` takes as database: a new one in PostgreSQL, or None for the file in the store's folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.database()
