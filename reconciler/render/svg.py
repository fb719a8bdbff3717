"""The graph of resources as one SVG picture without scripts, fonts or anything from elsewhere."""

from __future__ import annotations

from html import escape

from reconciler.model.address import Address
from reconciler.render.graph import Graph
from reconciler.render.layers import Layout, layered

_CHAR = 7.6  # width of a character of 13 px sans-serif, generously
_HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 44.0, 70.0, 20.0, 20.0
_COLORS = {
    "Collection": "#2563eb",
    "AssetSet": "#0d9488",
    "MetadataSource": "#64748b",
    "AnnotationProject": "#9333ea",
    "TaskSet": "#c026d3",
    "Export": "#d97706",
}
_OTHER = "#475569"


def graph_svg(graph: Graph) -> str:
    """Boxes in columns from left to right, curves from what is needed to what needs it."""
    nodes = [str(address) for address in graph]
    edges = [(str(need), str(address)) for address, needs in graph.items() for need in needs if need in graph]
    layout = layered(nodes, edges)
    drawing = _Drawing(layout, {str(address): address for address in graph})
    return drawing.text()


class _Drawing:
    def __init__(self, layout: Layout, addresses: dict[str, Address]) -> None:
        self.layout = layout
        self.addresses = addresses
        self.widths = [max((self._width(name) for name in column), default=0.0) for column in layout.columns]
        self.lefts = [_MARGIN + sum(self.widths[:n]) + _GAP_X * n for n in range(len(self.widths))]

    def text(self) -> str:
        width = (self.lefts[-1] + self.widths[-1] if self.widths else 0) + _MARGIN
        rows = max((place[1] for place in self.layout.places.values()), default=0.0)
        height = 2 * _MARGIN + _HEIGHT + rows * (_HEIGHT + _GAP_Y)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" font-family="system-ui, DejaVu Sans, sans-serif" role="img">',
            "<title>Resources and what they need</title>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#64748b"/></marker></defs>',
        ]
        parts += [self._edge(route) for route in self.layout.routes.values()]
        parts += [self._node(name) for name in self.addresses]
        return "\n".join([*parts, "</svg>"])

    def _width(self, name: str) -> float:
        address = self.addresses.get(name)
        return 0.0 if address is None else max(len(address.name), len(address.kind)) * _CHAR + 28

    def _box(self, name: str) -> tuple[float, float, float]:
        """Left, middle height and width of a node; an invisible one spans its column, so that edges cross it level."""
        column, row = self.layout.places[name]
        middle = _MARGIN + _HEIGHT / 2 + row * (_HEIGHT + _GAP_Y)
        return self.lefts[column], middle, self.widths[column]

    def _node(self, name: str) -> str:
        left, middle, width = self._box(name)
        address = self.addresses[name]
        color = _COLORS.get(address.kind, _OTHER)
        x, y = left + width / 2, middle - _HEIGHT / 2
        return (
            f'<g><rect x="{left:g}" y="{y:g}" width="{width:g}" height="{_HEIGHT:g}" rx="8" fill="#f8fafc"'
            f' stroke="{color}" stroke-width="1.5"/>'
            f'<text x="{x:g}" y="{middle - 5:g}" text-anchor="middle" font-size="11" fill="{color}">'
            f"{escape(address.kind)}</text>"
            f'<text x="{x:g}" y="{middle + 13:g}" text-anchor="middle" font-size="13" fill="#0f172a">'
            f"{escape(address.name)}</text></g>"
        )

    def _edge(self, route: tuple[str, ...]) -> str:
        left, middle, width = self._box(route[0])
        path = f"M{left + width:g} {middle:g}"
        for name in route[1:]:
            start_x, start_y = left + width, middle
            left, middle, width = self._box(name)
            bend = (left - start_x) / 2
            path += f" C{start_x + bend:g} {start_y:g} {left - bend:g} {middle:g} {left:g} {middle:g}"
            if name != route[-1]:
                path += f" L{left + width:g} {middle:g}"
        return f'<path d="{path}" fill="none" stroke="#64748b" stroke-width="1.3" marker-end="url(#arrow)"/>'
