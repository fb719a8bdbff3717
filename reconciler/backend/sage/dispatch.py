"""From a request to the answer of its handler: root, route, caller, scopes, transaction, and errors with a reason."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import DataError, OperationalError
from reconciler.backend.routing import Access, Router, Work
from reconciler.backend.sage.call import Call, Caller, P
from reconciler.backend.sage.errors import bad, forbidden, unauthenticated
from reconciler.backend.sage.principals import ANONYMOUS, find_caller
from reconciler.backend.sage.routes import SageRoute
from reconciler.backend.sage.services import BYTES, ROUTES
from reconciler.backend.store import Store, token_hash
from reconciler.backend.wire import ApiError, Request, Response, check_path, encode_json, json_response

ROOTS: Final = ("/repo/v1", "/auth/v1", "/file/v1")
PORTAL: Final = "/portal/www.synapse.org"
BLOBS: Final = "/sage"
_ERROR_CODES: Final = frozenset({"USER_CERTIFICATION_REQUIRED", "INVALID_TABLE_QUERY_FACET_COLUMN_REQUEST"})
_BEARER: Final = re.compile(r"Bearer\s+([!-~]{1,4096})\s*", re.IGNORECASE)
_CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="Synapse Repository Services"')


def is_ours(path: str) -> bool:
    """Whether a path belongs to this dialect."""
    return any(path == root or path.startswith(f"{root}/") for root in (*ROOTS, PORTAL, BLOBS))


class SageDispatcher:
    """Answers requests of the dialect over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._operations = Router(ROUTES)
        self._bytes = Router(BYTES)

    def answer(self, request: Request) -> Response:
        """Answer; whatever goes wrong is an answer too."""
        try:
            return self._answer(request)
        except ApiError as error:
            return error_response(error)
        except DataError:
            return error_response(bad("A value cannot be kept."))
        except OverflowError:
            return error_response(bad("A number is too large."))
        except RecursionError:
            return error_response(bad("The request is nested too deeply."))
        except OperationalError as error:
            return _unavailable(error)
        except OSError as error:
            print(f"store: {error.strerror}", file=sys.stderr)  # noqa: T201
            return error_response(ApiError(507, "", "The store cannot be written."))
        except Exception:  # noqa: BLE001 - the edge of the server: one bad request must not take others down
            traceback.print_exc(file=sys.stderr)
            return error_response(ApiError(500, "", "The server failed."))

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(f"{BLOBS}/"):
            return self._answer_bytes(request)
        root = next((root for root in (*ROOTS, PORTAL) if request.path.startswith(root)), "")
        if request.path == root or root == PORTAL:
            return Response(200, b"reconciler", (("Content-Type", "text/plain; charset=utf-8"),))
        check_path(request.path)
        request.query.check()
        route, request.params = self._operations.find(request.method, request.path.removeprefix(root))
        assert isinstance(route, SageRoute)
        call = Call(self._store, request, self._authenticate(request))
        _authorize(route, call.caller)
        return self._run(route, call)

    def _answer_bytes(self, request: Request) -> Response:
        route, request.params = self._bytes.find(request.method, request.path)
        return _checked(route.handler, Call(self._store, request, ANONYMOUS))

    def _authenticate(self, request: Request) -> Caller:
        header = request.header("Authorization")
        if header is None:
            return ANONYMOUS
        found = _BEARER.fullmatch(header)
        if not found:
            raise unauthenticated("The Authorization header must hold a bearer token.")
        with self._store.reading() as db:
            caller = find_caller(db, token_hash(found[1]))
        if caller is None:
            raise unauthenticated("Invalid access token")
        return caller

    def _run(self, route: SageRoute, call: Call) -> Response:
        if route.work is Work.NONE:
            return _checked(route.handler, call)
        if call.request.method != "GET":
            call.request.json()  # a slow client must not hold a transaction open
        transaction = self._store.reading if route.work is Work.READ else self._store.writing
        with transaction() as call.connection:
            return _checked(route.handler, call)


def _checked(handler: Callable[..., Any], call: Call) -> Response:
    response = handler(call)
    assert isinstance(response, Response)
    return response


def _authorize(route: SageRoute, caller: Caller) -> None:
    if caller is ANONYMOUS:
        if route.access is not Access.ANYONE:
            raise unauthenticated("You must sign in: the request has no access token.")
    elif lacking := sorted(route.scopes - caller.scopes):
        raise forbidden(f"Request lacks scope(s) required by this service: {', '.join(lacking)}")


def _unavailable(error: OperationalError) -> Response:
    text = str(error)
    if "locked" in text or "busy" in text:
        return error_response(ApiError(503, "", "The store is busy: try again."))
    print(f"store: {text}", file=sys.stderr)  # noqa: T201
    return error_response(ApiError(507, "", "The store cannot be written."))


def error_response(error: ApiError) -> Response:
    """An error as the dialect has it. Codes of the other dialect's making are not shown."""
    headers: tuple[tuple[str, str], ...] = (("Allow", error.allow),) if error.allow else ()
    if error.status == 401:
        headers += (_CHALLENGE,)
    body = {"concreteType": f"{P}.ErrorResponse", "reason": error.message}
    if error.code in _ERROR_CODES:
        body["errorCode"] = error.code
    return json_response(encode_json(body), error.status, headers)
