"""The list of services. A service is a module with `ROUTES`; a new one is added here and nowhere else.

`BYTES` are operations whose URL is the permission: they are outside the three roots, need no token, and take names as
they come.
"""

from __future__ import annotations

from typing import Final

from reconciler.backend.routing import Route
from reconciler.backend.sage import entities, trash, users
from reconciler.backend.sage.routes import SageRoute

_SERVICES: Final = (
    users,
    entities,
    trash,
)

ROUTES: Final[tuple[SageRoute, ...]] = tuple(route for service in _SERVICES for route in service.ROUTES)
BYTES: Final[tuple[Route, ...]] = ()
