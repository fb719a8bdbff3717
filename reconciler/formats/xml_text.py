"""XML as text: escaped values, elements in one line, numbers. Faster than a tree, and safe with any text.

Source: Extensible Markup Language (XML) 1.0, sections 2.2 (characters) and 2.4 (escapes).
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.formats.xml_tree import Node

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL: Final = re.compile('[&<>"\t\n\r]|[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


def escape(text: str) -> str:
    """Text for an element or for an attribute in double quotes.

    Characters that XML cannot hold (NUL and other controls, halves of surrogate pairs) become U+FFFD.
    """
    if _SPECIAL.search(text) is None:
        return text
    text = allowed(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.replace("\r", "&#13;").replace("\t", "&#9;").replace("\n", "&#10;")


def allowed(text: str) -> str:
    """The text without what XML cannot hold, not escaped."""
    return _FORBIDDEN.sub("\ufffd", text)


def leaf(tag: str, text: str) -> str:
    """`<tag>text</tag>`, escaped. tag: a name that needs no check."""
    return f"<{tag}>{escape(text)}</{tag}>"


def attributes(**values: str) -> str:
    """` name="value"` for each, escaped, in order; a trailing underscore of a name is cut."""
    return "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in values.items())


def number(value: float) -> str:
    """The shortest text that reads as the same number, whole ones without a fraction, never an exponent."""
    if value == int(value):
        return str(int(value))
    text = repr(float(value))
    return text if "e" not in text else f"{value:.12f}".rstrip("0")


def render(node: Node, indent: str) -> list[str]:
    """The lines of a tree that was read. indent: of its first line; children get two spaces more."""
    said = "".join(f' {name}="{escape(value)}"' for name, value in node.attributes.items())
    if not node.children:
        return [f"{indent}<{node.tag}{said}>{escape(node.text)}</{node.tag}>"]
    inner = [line for child in node.children for line in render(child, indent + "  ")]
    return [f"{indent}<{node.tag}{said}>", *inner, f"{indent}</{node.tag}>"]
