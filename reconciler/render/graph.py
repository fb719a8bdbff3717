"""The graph of resources as text, DOT and Mermaid. Arrows lead from what is needed to what needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reconciler.model.address import Address

Graph = Mapping[Address, Sequence[Address]]
"""Every resource in the order of work, with what it needs."""


def graph_text(graph: Graph) -> str:
    """One line per resource in the order of work, with what it needs below it."""
    lines = []
    for address, needs in graph.items():
        lines.append(str(address))
        lines.extend(f"    needs {need}" for need in needs)
    return "\n".join(lines) or "There are no resources."


def graph_dot(graph: Graph) -> str:
    """For Graphviz."""
    lines = ["digraph reconciler {", "  rankdir = LR;", "  node [shape = box, style = rounded];"]
    lines += [f"  {json.dumps(str(address))} [label = {json.dumps(_label(address))}];" for address in graph]
    lines += [f"  {json.dumps(str(need))} -> {json.dumps(str(address))};" for address, need in _edges(graph)]
    return "\n".join([*lines, "}"])


def graph_mermaid(graph: Graph) -> str:
    """For Markdown pages that draw Mermaid."""
    names = {address: f"n{number}" for number, address in enumerate(graph)}
    lines = ["flowchart LR"]
    lines += [f'  {names[address]}["{address.kind}<br/><b>{address.name}</b>"]' for address in graph]
    lines += [f"  {names[need]} --> {names[address]}" for address, need in _edges(graph)]
    return "\n".join(lines)


def _label(address: Address) -> str:
    return f"{address.kind}\n{address.name}"


def _edges(graph: Graph) -> list[tuple[Address, Address]]:
    return [(address, need) for address, needs in graph.items() for need in needs if need in graph]
