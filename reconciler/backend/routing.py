"""Path templates to handlers: `/v2/projects/{id}/tags/` with literals preferred over captures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from reconciler.backend.wire import ApiError, not_found


class Access(Enum):
    """Who may call: anyone, a user (tenant or not), or a user within a tenant."""

    ANYONE = "anyone"
    USER = "user"
    TENANT = "tenant"


class Work(Enum):
    """What the dispatcher opens around a handler: a read transaction, the write transaction, or nothing.

    NONE is for handlers that move bytes: they open transactions themselves, never while reading from the client.
    """

    READ = "read"
    WRITE = "write"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. action: what a dry run reports (create, update, destroy, …)."""

    method: str
    template: str
    handler: Callable[..., Any]
    work: Work = Work.READ
    action: str = ""
    access: Access = Access.TENANT


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    capture: _Node | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Router:
    """Finds the route of a request. `{rest...}` as the last part of a template captures all that follows."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Route and captured parts. Raises `ApiError` 404 for an unknown path, 405 for a wrong method."""
        parts = path.strip("/").split("/")
        found = _walk(self._root, parts, ())
        if found is None:
            raise not_found("This path")
        node, captured = found
        route = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
        if route is None:
            allowed = ", ".join(sorted(node.routes))
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed here.", allow=allowed)
        return route, dict(zip(node.names[route.method], captured, strict=True))

    def _add(self, route: Route) -> None:
        node = self._root
        names: list[str] = []
        for part in route.template.strip("/").split("/"):
            if not part.startswith("{"):
                node = node.literals.setdefault(part, _Node())
                continue
            names.append(part[1:-1].removesuffix("..."))
            if node.capture is None:
                node.capture = _Node(name="..." if part.endswith("...}") else "")
            node = node.capture
        assert route.method not in node.routes, route
        node.routes[route.method] = route
        node.names[route.method] = tuple(names)


def _walk(node: _Node, parts: list[str], captured: tuple[str, ...]) -> tuple[_Node, tuple[str, ...]] | None:
    if not parts:
        return (node, captured) if node.routes else None
    head, rest = parts[0], parts[1:]
    if (literal := node.literals.get(head)) is not None and (found := _walk(literal, rest, captured)):
        return found
    if node.capture is None:
        return None
    if node.capture.name == "...":
        return node.capture, (*captured, "/".join(parts))
    return _walk(node.capture, rest, (*captured, head))
