"""Reads the header of DICOM files: the attributes before the pictures, nested ones included. Pure, and bounded.

All transfer syntaxes that change the header are understood: implicit and explicit, little and big endian, deflated; and
data sets without the preamble. Nothing that a file claims is believed beyond the bytes that are there.

Source: DICOM PS3.5 (data set encoding), PS3.10 (file format).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.content.containers import inflate_head

# Headers are seldom longer; those of long enhanced multi-frame files may be.
HEADER_BYTES = 4 * 1024 * 1024
# Of a value, so much is kept: enough to see that it is there.
_KEPT_BYTES = 64
_PREAMBLE = 128
_UNDEFINED = 0xFFFFFFFF
_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_TRANSFER_SYNTAX = 0x00020010
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT = frozenset(
    {
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
        b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
    }
)  # fmt: skip
_IMPLICIT, _BIG_ENDIAN, _DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"
# So many elements of a data set without preamble must be in order before it is believed to be one.
_CONVINCING = 3


class Attribute(NamedTuple):
    """One element. tag: group and element as one number. value: the first bytes."""

    tag: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The attributes of a file in its order, those inside sequences among them.

    is_complete: everything before the pictures was seen. is_little: byte order of numbers in it.
    """

    attributes: tuple[Attribute, ...]
    is_complete: bool
    is_little: bool = True

    def number(self, tag: int) -> int | None:
        """The value of an unsigned 16-bit attribute."""
        found = next((a.value for a in self.attributes if a.tag == tag and len(a.value) >= 2), None)
        return None if found is None else int.from_bytes(found[:2], "little" if self.is_little else "big")


def has_prefix(head: bytes) -> bool:
    """True for a file that says it is DICOM, as all should."""
    return head[_PREAMBLE : _PREAMBLE + 4] == b"DICM"


def looks_like_dicom(head: bytes) -> bool:
    """True for a data set that begins without preamble and prefix."""
    return head[:4] in _FIRST_TAGS and _guess(head) is not None


# Groups 0002 and 0008, of either byte order, with a low element number.
_FIRST_TAGS = frozenset(
    number.to_bytes(2, order) + element.to_bytes(2, order)
    for order in ("little", "big")
    for number in (2, 8)
    for element in (*range(0x20), 0x60, 0x70)
)


def needs_more(data: bytes) -> bool:
    """True when the header goes on after these first bytes of a DICOM file."""
    return len(data) < HEADER_BYTES and not read_header(data, is_whole=False).is_complete


def read_header(data: bytes, *, is_whole: bool) -> Header:
    """The header in the first bytes of a DICOM file. is_whole: the file ends where they end."""
    at = _PREAMBLE + 4 if has_prefix(data) else 0
    meta = _Walk(data, at, True, True)
    found = [*meta.elements(only_group=2)]
    syntax = next((a.value.rstrip(b"\0 ") for a in found if a.tag == _TRANSFER_SYNTAX), b"")
    rest, at = data, meta.at
    if syntax == _DEFLATED:
        rest, at = inflate_head(data[at:], HEADER_BYTES), 0
        is_whole = is_whole and len(rest) < HEADER_BYTES
    form = _form(syntax, rest[at:])
    if form is None:
        return Header(tuple(found), False)
    body = _Walk(rest, at, *form)
    found += body.elements()
    return Header(tuple(found), body.is_done or (is_whole and not body.is_broken), form[1])


def _form(syntax: bytes, rest: bytes) -> tuple[bool, bool] | None:
    """(explicit, little endian) of a data set; guessed where no transfer syntax says it.

    Some files are implicit against their own word, or explicit: the first element shows it.
    """
    if not syntax:
        return _guess(rest)
    is_explicit = rest[4:6] in _SHORT or rest[4:6] in _LONG if len(rest) >= 8 else syntax != _IMPLICIT
    return is_explicit, syntax != _BIG_ENDIAN


def _guess(data: bytes) -> tuple[bool, bool] | None:
    """The form in which the first elements make sense."""
    for is_explicit, is_little in ((True, True), (False, True), (True, False)):
        walk, tags = _Walk(data, 0, is_explicit, is_little), list[int]()
        for attribute in walk.elements():
            tags.append(attribute.tag)
            if len(tags) == _CONVINCING:
                break
        if len(tags) == _CONVINCING and tags == sorted(set(tags)) and tags[0] >> 16 in (2, 8) and tags[-1] >> 16 < 0x20:
            return is_explicit, is_little
    return None


class _Walk:
    """Goes through elements one after the other, and into sequences, without a stack: nesting cannot hurt.

    at: where the next element begins. is_done: the pictures, or the end, were reached. is_broken: the bytes are no
    elements.
    """

    def __init__(self, data: bytes, at: int, is_explicit: bool, is_little: bool) -> None:
        self.at = at
        self.is_done = False
        self.is_broken = False
        self._data = data
        self._is_explicit = is_explicit
        self._is_little = is_little
        # Sequences of undefined length that are open, and at which depth an unknown one made the inside implicit.
        self._depth = 0
        self._implicit_from: int | None = None

    def elements(self, only_group: int | None = None) -> Iterator[Attribute]:
        """Yield attributes until the bytes, or those of the group, are at an end."""
        while not self.is_done and not self.is_broken and len(self._data) - self.at >= 8:
            tag = self._number(self.at, 2) << 16 | self._number(self.at + 2, 2)
            if only_group is not None and tag >> 16 != only_group:
                return
            if tag >> 16 == 0xFFFE:
                self._mark(tag)
                continue
            header = self._header()
            if header is None:
                return
            kind, start, length = header
            if start > len(self._data):
                return
            if self._enter(tag, kind, start, length):
                continue
            if start + length > len(self._data) and tag not in _PIXELS:
                # The value is cut; where the file is not, its rest is still to come.
                yield Attribute(tag, self._data[start : start + min(length, _KEPT_BYTES)])
                return
            self.at = start + length
            self.is_done = self.at >= len(self._data) and tag in _PIXELS
            yield Attribute(tag, self._data[start : start + min(length, _KEPT_BYTES)])

    def _enter(self, tag: int, kind: bytes, start: int, length: int) -> bool:
        """Go into a sequence; True when the element is one, or the pictures that end the header."""
        if length == _UNDEFINED and tag in _PIXELS:
            self.is_done = True
            return True
        is_sequence = length == _UNDEFINED or kind == b"SQ" or (not kind and length >= 8 and self._is_item(start))
        if not is_sequence:
            return False
        if length == _UNDEFINED:
            self._depth += 1
            if kind == b"UN" and self._is_explicit:
                self._implicit_from, self._is_explicit = self._depth, False
        self.at = start
        return True

    def _mark(self, tag: int) -> None:
        """The beginning or end of an item, or the end of a sequence."""
        self.at += 8
        if tag == _SEQUENCE_END and self._depth:
            if self._implicit_from == self._depth:
                self._implicit_from, self._is_explicit = None, True
            self._depth -= 1

    def _is_item(self, at: int) -> bool:
        return self._number(at, 2) << 16 | self._number(at + 2, 2) == _ITEM

    def _header(self) -> tuple[bytes, int, int] | None:
        """(value representation or b"", start of the value, its length)."""
        if not self._is_explicit:
            return b"", self.at + 8, self._number(self.at + 4, 4)
        kind = self._data[self.at + 4 : self.at + 6]
        if kind in _SHORT:
            return kind, self.at + 8, self._number(self.at + 6, 2)
        if kind not in _LONG:
            self.is_broken = True
            return None
        return kind, self.at + 12, self._number(self.at + 8, 4)

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._data[at : at + size], "little" if self._is_little else "big")
