"""From a request to the answer of its handler: route, caller, transaction, dry run, and errors in either dialect."""

from __future__ import annotations

import secrets
import sys
import traceback
from typing import Any, Final

from reconciler.backend.database import DataError, OperationalError
from reconciler.backend.datamaker import (
    accounts,
    annotations_v1,
    assignments,
    data_collections,
    direct_uploads,
    files,
    groups,
    jobs,
    members,
    payloads,
    plugin_exports,
    plugins,
    projects,
    receiving,
    roles,
    schemas,
    scripts,
    statistics,
    tags,
    tasks,
    truth,
    truth_events,
    units,
    units_v1,
    uploads,
    workshops,
)
from reconciler.backend.datamaker.access import authenticate
from reconciler.backend.datamaker.call import ANONYMOUS, Call
from reconciler.backend.routing import Access, Route, Router, Work
from reconciler.backend.store import Store
from reconciler.backend.wire import ApiError, Request, Response, check_path, encode_json, json_response

_MODULES: Final = (
    accounts, annotations_v1, assignments, data_collections, direct_uploads, files, groups, jobs, members,
    payloads, plugin_exports, plugins, projects, roles, schemas, scripts, statistics, tags, tasks, truth,
    truth_events, units, units_v1, uploads, workshops,
)  # fmt: skip
ROUTES: Final[tuple[Route, ...]] = tuple(route for module in _MODULES for route in module.ROUTES)

# Paths whose URL is the permission and whose names are not ours to judge.
_BYTES: Final = (
    Route("PUT", "/uploads/{key...}", receiving.put, Work.NONE, access=Access.ANYONE),
    Route("PUT", "/uploads/", receiving.put_pack, Work.NONE, access=Access.ANYONE),
    Route("GET", "/media/{key}/{name...}", files.media, Work.NONE, access=Access.ANYONE),
)


class Dispatcher:
    """Answers requests of the dialect over one store. takes_packs: see `Call`."""

    def __init__(self, store: Store, *, takes_packs: bool = False) -> None:
        self._store = store
        self._takes_packs = takes_packs
        self._router = Router((*ROUTES, *_BYTES))

    def answer(self, request: Request) -> Response:
        """Answer; whatever goes wrong is an answer too."""
        request_id = f"req_{secrets.token_hex(8)}"
        try:
            return self._answer(request, request_id)
        except ApiError as error:
            return error_response(error, request, request_id)
        except DataError:
            return error_response(ApiError(400, "VALIDATION_ERROR", "A value cannot be kept."), request, request_id)
        except OverflowError:
            return error_response(ApiError(400, "VALIDATION_ERROR", "A number is too large."), request, request_id)
        except OperationalError as error:
            return self._unavailable(error, request, request_id)
        except OSError as error:
            print(f"store: {error.strerror}", file=sys.stderr)  # noqa: T201
            return error_response(ApiError(507, "STORAGE_ERROR", "The store cannot be written."), request, request_id)
        except Exception:  # noqa: BLE001 - the edge of the server: one bad request must not take others down
            traceback.print_exc(file=sys.stderr)
            return error_response(ApiError(500, "INTERNAL_ERROR", "The server failed."), request, request_id)

    def _unavailable(self, error: OperationalError, request: Request, request_id: str) -> Response:
        text = str(error)
        if "locked" in text or "busy" in text:
            return error_response(ApiError(503, "UNAVAILABLE", "The store is busy: try again."), request, request_id)
        print(f"store: {text}", file=sys.stderr)  # noqa: T201
        return error_response(ApiError(507, "STORAGE_ERROR", "The store cannot be written."), request, request_id)

    def _answer(self, request: Request, request_id: str) -> Response:
        if not request.path.startswith(("/uploads/", "/media/")):
            check_path(request.path)
            request.query.check()
        route, request.params = self._router.find(request.method, request.path)
        identity = ANONYMOUS if route.access is Access.ANYONE else authenticate(self._store, request, route.access)
        call = Call(self._store, request, identity, request_id, takes_packs=self._takes_packs)
        is_dry = call.is_dry_run and route.action != ""
        response = self._run(route, call, commit=not is_dry)
        return _dry_run_response(call, route, response) if is_dry else response

    def _run(self, route: Route, call: Call, *, commit: bool) -> Response:
        match route.work:
            case Work.NONE:
                return self._result(route, call)
            case Work.READ:
                if call.request.method == "POST":
                    call.request.json()  # a slow client must not hold a transaction open
                with self._store.reading() as call.connection:
                    return self._result(route, call)
            case Work.WRITE:
                call.request.json()
                with self._store.writing(commit=commit) as call.connection:
                    return self._result(route, call)

    def _result(self, route: Route, call: Call) -> Response:
        response = route.handler(call)
        assert isinstance(response, Response)
        return response


def _dry_run_response(call: Call, route: Route, response: Response) -> Response:
    """What a dry run says once everything was done and undone: it would have worked."""
    body = call.request.json()
    fields = sorted(body) if isinstance(body, dict) else []
    status = 200 if response.status == 204 else response.status
    return call.reply({"dry_run": True, "action": route.action, "validated_fields": fields}, status)


def error_response(error: ApiError, request: Request, request_id: str) -> Response:
    """An error in the dialect of the path."""
    headers: tuple[tuple[str, str], ...] = (("Allow", error.allow),) if error.allow else ()
    if error.status in (429, 503):
        headers += (("Retry-After", "1"),)
    body = _v2_error(error, request_id) if request.path.startswith("/v2/") else _v1_error(error)
    return json_response(encode_json(body), error.status, headers)


def _v2_error(error: ApiError, request_id: str) -> dict[str, Any]:
    details = [{"field": one.path, "message": one.message, **one.extra} for one in error.details] or None
    return {
        "error": {"code": error.code, "message": error.message, "details": details},
        "meta": {"request_id": request_id},
    }


def _v1_error(error: ApiError) -> dict[str, Any]:
    """Messages by field, or one `detail`."""
    body: dict[str, Any] = {}
    for one in error.details:
        body.setdefault(one.path, []).append(one.message)
    return body or {"detail": error.message}
