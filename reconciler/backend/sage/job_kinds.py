"""The list of services that have asynchronous jobs, with the operations of all kinds, generic ones included."""

from __future__ import annotations

from typing import Final

from reconciler.backend.sage import (
    bulk_downloads,
    download_lists,
    jobs,
    schemas,
    table_downloads,
    table_queries,
    table_transactions,
    table_uploads,
    view_suggestions,
)
from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.errors import bad, forbidden
from reconciler.backend.sage.jobs import JobKind, job_routes, job_status, own_job, start_job
from reconciler.backend.sage.routes import SageRoute, moves_bytes
from reconciler.backend.wire import Response

_SERVICES: Final = (
    bulk_downloads,
    download_lists,
    schemas,
    table_queries,
    table_downloads,
    table_transactions,
    table_uploads,
    view_suggestions,
)

KINDS: Final[tuple[JobKind, ...]] = tuple(kind for service in _SERVICES for kind in service.JOBS)
_BY_REQUEST: Final = {kind.concrete: kind for kind in KINDS}


def start_any(call: Call) -> Response:
    """`POST /asynchronous/job`: the kind is in the request itself. Captured ids come from the keys of the body."""
    body = call.body.object("requestBody") or call.body
    kind = _BY_REQUEST.get(body.needed("concreteType"))
    if kind is None:
        raise bad(f"Unknown concreteType of a job: {body.needed('concreteType')[:200]}")
    if lacking := sorted(kind.scopes - call.caller.scopes):
        raise forbidden(f"Request lacks scope(s) required by this service: {', '.join(lacking)}")
    call.request.params = {**call.request.params, "id": str(body.values.get("entityId", ""))}
    call.request.params["token"] = str(start_job(call, kind, body))
    with call.store.reading() as call.connection:
        return reply(job_status(own_job(call)), 201)


ROUTES: Final[tuple[SageRoute, ...]] = (
    *jobs.ROUTES,
    moves_bytes("POST", "/asynchronous/job", start_any),
    *(route for kind in KINDS for route in job_routes(kind)),
)
