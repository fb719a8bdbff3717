"""Layered layout of a small directed graph: columns by longest path, few crossings, long edges routed. Pure.

The method is that of Sugiyama, Tagawa and Toda (1981): assign layers, split long edges by invisible nodes, order each
layer by the median of its neighbours, sweep to and fro.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """places: node → (column, position in it, from 0). routes: edge → the nodes it passes, ends included.

    Invisible nodes have names that begin with a zero byte. columns: nodes by column, in order.
    """

    places: Mapping[str, tuple[int, float]]
    routes: Mapping[tuple[str, str], tuple[str, ...]]
    columns: tuple[tuple[str, ...], ...]


def layered(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Lay out an acyclic graph. edges: (from, to), both in `nodes`. Equal input gives equal layout."""
    column = _columns(nodes, edges)
    routes = {edge: _route(edge, column) for edge in sorted(set(edges))}
    layers: list[list[str]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for node in nodes:
        layers[column[node]].append(node)
    for route in routes.values():
        for step, name in enumerate(route[1:-1], column[route[0]] + 1):
            layers[step].append(name)
    _untangle(layers, _neighbours(routes.values()))
    places = _places(layers, _neighbours(routes.values()))
    return Layout(places, routes, tuple(tuple(layer) for layer in layers))


def _columns(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    column = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = False
        for source, target in edges:
            if column[target] <= column[source]:
                column[target] = column[source] + 1
                moved = True
        if not moved:
            break
    return column


def _route(edge: tuple[str, str], column: Mapping[str, int]) -> tuple[str, ...]:
    source, target = edge
    between = range(column[source] + 1, column[target])
    return (source, *(f"\0{source}\0{target}\0{step}" for step in between), target)


_Neighbours = tuple[dict[str, list[str]], dict[str, list[str]]]


def _neighbours(routes: Iterable[tuple[str, ...]]) -> _Neighbours:
    left: dict[str, list[str]] = {}
    right: dict[str, list[str]] = {}
    for route in routes:
        for source, target in pairwise(route):
            left.setdefault(target, []).append(source)
            right.setdefault(source, []).append(target)
    return left, right


def _untangle(layers: list[list[str]], neighbours: _Neighbours) -> None:
    """Sort each layer by where its neighbours are, from the left, then from the right, several times."""
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
        near = neighbours[0] if forward else neighbours[1]
        for number in order:
            other = {name: place for place, name in enumerate(layers[number - 1 if forward else number + 1])}
            here = {name: place for place, name in enumerate(layers[number])}
            ranks = {name: (_middle(near.get(name, []), other, here[name]), here[name]) for name in layers[number]}
            layers[number].sort(key=ranks.__getitem__)


def _middle(names: Sequence[str], places: Mapping[str, int], otherwise: float) -> float:
    found = sorted(places[name] for name in names if name in places)
    if not found:
        return otherwise
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2


def _places(layers: Sequence[Sequence[str]], neighbours: _Neighbours) -> dict[str, tuple[int, float]]:
    """Give each node a height near the mean of its neighbours, at least one apart from the one above."""
    height = {name: float(place) for layer in layers for place, name in enumerate(layer)}
    for sweep in range(_SWEEPS):
        near = neighbours[sweep % 2]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([height[n] for n in near.get(name, [])], height[name]) for name in layer]
            height.update(zip(layer, _spaced(wanted), strict=True))
    lowest = min(height.values(), default=0.0)
    return {name: (number, height[name] - lowest) for number, layer in enumerate(layers) for name in layer}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spaced(wanted: Sequence[float]) -> list[float]:
    """The nearest heights in the same order that are one apart: groups that would touch share their mean."""
    groups: list[list[float]] = []  # [sum of (wanted - offset), count]
    for number, value in enumerate(wanted):
        groups.append([value - number, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    starts = [group[0] / group[1] for group in groups for _ in range(int(group[1]))]
    return [start + number for number, start in enumerate(starts)]
