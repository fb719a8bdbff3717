"""XML that nobody vouches for."""

import pytest

from reconciler.formats.xml_text import escape, number
from reconciler.formats.xml_tree import Node, Root, XmlFault, from_json, iterate, parse, to_json

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<annotation>&c;</annotation>"""

REFUSED = [
    (LAUGHS, "document type", "a billion laughs"),
    (b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>', "document type", "an external definition"),
    (b"<a>&other;</a>", "undefined entity", "an entity nobody defined"),
    (b"<a>" * 5000, "nested deeper", "too deep"),
    (b"<a><b></a>", "mismatched tag", "not well-formed"),
    (b"", "no element found", "empty"),
    (b"<a/><b/>", "junk after document element", "two documents"),
    (b"\xff\xfe\x00", "unclosed|no element|not well-formed", "no text at all"),
]


@pytest.mark.parametrize(("raw", "said", "reason"), REFUSED)
def test_what_is_refused_is_a_fault_with_its_place(raw, said, reason):
    with pytest.raises(XmlFault, match=said) as caught:
        parse(raw)
    assert caught.value.line >= 1, reason


def test_document_is_a_tree():
    root = parse(b'<a><b x="1"> t &lt; <c/></b><b>u</b></a>')
    assert [node.text for node in root.all("b")] == ["t <", "u"]
    assert (root.get("b"), root.get("b/c"), root.get("b/d")) == ("t <", "", None)


def test_children_come_one_at_a_time():
    found = iterate(b"<a>" + b"<b>x</b>" * 20_000 + b"<c>")
    assert isinstance(next(found), Root)
    assert sum(1 for _, node in zip(range(5000), found, strict=False) if isinstance(node, Node)) == 5000


def test_whole_children_before_a_fault_are_given():
    seen = []
    with pytest.raises(XmlFault):
        seen.extend(iterate(b"<a><b/><b/><b>"))
    assert len(seen) == 0 or [type(one) for one in seen] == [Root, Node, Node]


def test_tree_survives_as_json():
    node = parse(b'<a><b x="1">t<c>u</c></b></a>').children[0]
    assert to_json(from_json(to_json(node))) == to_json(node)


@pytest.mark.parametrize("value", [None, 1, ["a b", {}, "", []], ["", {}, "", []], ["a", {"b c": ""}, "", []]])
def test_json_that_is_no_tree_is_none(value):
    assert from_json(value) is None


def test_escaped_text_reads_as_it_was():
    text = "a<b>&\"'\n\t\r é 𝄞"
    assert parse(f'<a><b x="{escape(text)}"/></a>'.encode()).children[0].attributes["x"] == text


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.0, "1"), (1.5, "1.5"), (1e-7, "0.0000001"), (-2.25, "-2.25")])
def test_number_is_the_shortest_text(value, text):
    assert number(value) == text
