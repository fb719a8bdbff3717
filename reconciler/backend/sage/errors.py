"""The mistakes of a caller, with the texts that clients match on.

Every one is an `ApiError` whose message is the `reason` of the answer and whose code, when not empty, its `errorCode`.
No reason may hold "timeout", "try again" or "slow down": the official client repeats such requests for half an hour.
"""

from __future__ import annotations

from typing import Final

from reconciler.backend.wire import ApiError

CERTIFICATION_REQUIRED: Final = "USER_CERTIFICATION_REQUIRED"


def bad(reason: str) -> ApiError:
    """400: the request cannot be understood or breaks a rule."""
    return ApiError(400, "", reason)


def unauthenticated(reason: str) -> ApiError:
    """401: no token, or a bad one."""
    return ApiError(401, "", reason)


def forbidden(reason: str, code: str = "") -> ApiError:
    """403: known, but not allowed."""
    return ApiError(403, code, reason)


def missing(reason: str) -> ApiError:
    """404."""
    return ApiError(404, "", reason)


def taken(reason: str) -> ApiError:
    """409: a name is in use, or an object is."""
    return ApiError(409, "", reason)


def stale(what: str) -> ApiError:
    """412: the etag is not the current one."""
    return ApiError(
        412, "", f"Object: {what} was updated since you last fetched it, retrieve it again and re-apply the update"
    )


def no_entity(entity: int) -> ApiError:
    """404 for an id that no entity has."""
    return missing(f"Resource: '{entity}' does not exist")


def lacks(access: str) -> ApiError:
    """403 for a missing right on an entity."""
    return forbidden(f"You lack {access} access to the requested entity.")
