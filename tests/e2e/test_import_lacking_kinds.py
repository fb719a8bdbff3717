"""An import from a service that lacks kinds, or keeps them from us: these are left out, and it says so."""

from __future__ import annotations

import httpx
import pytest

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.engine.apply_objects import owned_resource
from reconciler.engine.importing import import_all
from reconciler.errors import Denied, Severity
from reconciler.model.address import Address
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.provider import DatamakerProvider
from reconciler.providers.http import HttpClient
from reconciler.providers.in_process import InProcessTransport
from tests.support.workspace import Bench


class Lacking(httpx.BaseTransport):
    """Answers some paths with a status, as a service that is older or stricter."""

    def __init__(self, inner, statuses):
        self.inner, self.statuses = inner, statuses

    def handle_request(self, request):
        status = self.statuses.get(request.url.path)
        if status is None:
            return self.inner.handle_request(request)
        return httpx.Response(status, json={"error": {"code": "X", "message": "not here"}})


def opening(statuses):
    def open_backend(settings, root, parallelism):
        store = open_store(root / ".reconciler/backend", first_id=1000)
        service = service_for(Credentials("http://embedded", store.local_token()), "fix")
        client = HttpClient(service, transport=Lacking(InProcessTransport(create_app(store)), statuses))
        return DatamakerProvider(client, parallelism=parallelism), store.close

    return open_backend


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.write()
    made.call("POST", "/v2/data-collections/", json={"name": "Theirs", "category": "image", "file_specifications": []})
    made.call("POST", "/v2/groups/", json={"name": "Readers"})
    return made


def imported(bench):
    with bench.session() as session, session.lock("import"):
        return import_all(session, session.open_state(), bench.root)


@pytest.mark.parametrize("status", [403, 404])
def test_kind_that_cannot_be_listed_is_left_out_with_a_warning(bench, status):
    bench.open_backend = opening({"/v2/groups/": status, "/v2/validation-scripts/": status})
    report = imported(bench)
    assert [path.name for path in report.written] == ["collection-theirs.yaml"]
    assert [warning.summary.partition(" is left out")[0] for warning in report.warnings] == [
        "Group",
        "ValidationScript",
    ]
    assert {warning.severity for warning in report.warnings} == {Severity.WARNING}
    assert bench.plan().is_empty


def test_credentials_that_are_refused_are_an_error(bench):
    bench.open_backend = opening({"/v2/groups/": 401})
    with pytest.raises(Denied):
        imported(bench)


def test_object_with_the_id_of_an_owned_one_of_another_kind_is_imported(bench):
    (group,) = bench.pages("/v2/groups/")
    with bench.session() as session, session.lock("import"):
        backend = session.configuration.workspace.default_backend
        record = owned_resource(None, Address("Collection", "x"), backend, {}, str(group["id"]))
        session.open_state().save_resource(record)
    assert "group-readers.yaml" in [path.name for path in imported(bench).written]
