"""The embedded backend, in process, for the contract tests of the Datamaker provider."""

import pytest

from reconciler.model.workspace import BackendSettings
from reconciler.providers.registry import IN_PROCESS_URL, open_provider


@pytest.fixture
def app(tmp_path, database):
    from reconciler.backend.app import create_app
    from reconciler.backend.store import open_store

    made = create_app(open_store(tmp_path / "store", database=database))
    yield made
    made.close()


@pytest.fixture
def client(app):
    """Raw access to the backend, past the provider."""
    from reconciler.providers.datamaker.connection import connect_in_process

    made = connect_in_process(app, IN_PROCESS_URL, app.store.local_token())
    yield made
    made.close()


@pytest.fixture
def embedded(app):
    """The provider as the engine opens it."""
    made = open_provider(BackendSettings("local", "embedded"), wsgi=(app, app.store.local_token()), parallelism=4)
    yield made
    made.close()
