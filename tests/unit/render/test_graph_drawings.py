import xml.etree.ElementTree as ET
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.address import Address
from reconciler.render.graph import graph_dot, graph_mermaid, graph_text
from reconciler.render.layers import layered
from reconciler.render.svg import graph_svg

COLLECTION, UNITS, TASKS = Address("Collection", "a"), Address("AssetSet", "a"), Address("TaskSet", "t")
GRAPH = {COLLECTION: (), UNITS: (COLLECTION,), TASKS: (UNITS, COLLECTION)}


def test_graph_text_lists_needs_below_each_resource() -> None:
    assert graph_text(GRAPH).splitlines()[:3] == ["Collection/a", "AssetSet/a", "    needs Collection/a"]


def test_graph_dot_leads_from_what_is_needed() -> None:
    assert '  "Collection/a" -> "AssetSet/a";' in graph_dot(GRAPH).splitlines()


def test_graph_mermaid_has_a_node_and_an_arrow_for_each() -> None:
    text = graph_mermaid(GRAPH)
    assert text.startswith("flowchart LR\n")
    assert text.count("-->") == 3


def test_graph_svg_is_xml_with_a_box_per_resource_and_a_path_per_need() -> None:
    root = ET.fromstring(graph_svg(GRAPH))
    space = {"s": "http://www.w3.org/2000/svg"}
    assert len(root.findall("s:g/s:rect", space)) == 3
    assert len(root.findall("s:path", space)) == 3


def test_graph_without_resources_is_drawn_all_the_same() -> None:
    assert graph_text({}) == "There are no resources."
    assert ET.fromstring(graph_svg({})).tag.endswith("svg")


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
def test_layout_of_any_graph_goes_right_and_never_overlaps(case: tuple[int, set[tuple[int, int]]]) -> None:
    count, pairs = case
    nodes = [str(n) for n in range(count)]
    edges = sorted((str(a), str(b)) for a, b in pairs if a < b)
    layout = layered(nodes, edges)
    assert all(layout.places[a][0] < layout.places[b][0] for a, b in edges)
    for column in layout.columns:
        heights = [layout.places[name][1] for name in column]
        assert all(lower - upper > 0.999 for upper, lower in pairwise(heights))
    assert all(len(route) == layout.places[b][0] - layout.places[a][0] + 1 for (a, b), route in layout.routes.items())
