"""Any document becomes rows and is the same document again."""

import csv
import io
import string
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.annotations import Document, Mask, Polygon, Polyline
from reconciler.formats.dm import decode_payload, encode_payload
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.table_columns import Cell, Column
from reconciler.formats.table_options import TableOptions
from reconciler.formats.table_text import csv_lines, read_csv, unguarded
from reconciler.formats.table_write import TableWriter
from tests.property.test_formats_documents import _documents
from tests.support.tables import documents, table

KEEP = TableOptions(geometry=EdgePolicy("keep"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SPECIAL = st.text(st.sampled_from("=+-@'\t\r\n,\"\0 x"), max_size=6)


def _item(document):
    return ExportItem("k", "1", encode_payload(document), {"image_1": MediaFile("a.png")})


def _comparable(document):
    """Without what tables do not keep."""
    (media,) = document.media
    return [(a.id, a.tool, _plain(a.shape), a.class_name, a.attributes, a.members) for a in media.annotations]


def _plain(shape):
    match shape:
        case Polygon() | Polyline():
            return replace(shape, point_ids=None)
        case Mask(runs):
            return Mask(runs)
        case _:
            return shape


def _written(document):
    """The annotations that the account of a table says were written."""
    account = TableWriter("jsonl", KEEP).write_item(_item(document)).account
    gone = {i for e in account.entries if e.outcome in ("dropped", "failed") for i in e.annotations}
    assert account.read == account.written + account.dropped + account.failed
    (media,) = document.media
    kept = tuple(a for a in media.annotations if a.id not in gone)
    assert len(kept) == account.written
    return Document((replace(media, annotations=kept),))


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@given(document=_documents())
def test_written_annotations_come_back(format, document):
    expected = _written(decode_payload(encode_payload(document)).document)
    found, problems = documents(format, table(format, [_item(document)], KEEP))
    assert problems == []
    assert _comparable(found["k"]) == _comparable(expected)


@given(document=_documents(), mode=st.sampled_from(["clip", "keep", "drop", "fail"]))
def test_account_adds_up_and_bytes_are_the_same_again(document, mode):
    options = TableOptions(geometry=EdgePolicy(mode))
    account = TableWriter("csv", options).write_item(_item(document)).account
    assert account.read == account.written + account.dropped + account.failed == len(document.media[0].annotations)
    assert table("csv", [_item(document)], options) == table("csv", [_item(document)], options)


@given(rows=st.lists(st.lists(TEXTS | SPECIAL, min_size=2, max_size=2), max_size=4), is_safe=st.booleans())
def test_texts_come_back_from_csv_and_as_the_standard_library_reads_it(rows, is_safe):
    columns = [Column("a", Cell.TEXT), Column("b", Cell.TEXT)]
    text = "".join(csv_lines(rows, columns, is_safe=is_safe))
    found = [cells for _, cells in read_csv(text)][1:]
    assert found == list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [[unguarded(cell) if is_safe else cell for cell in row] for row in found] == rows
    assert not is_safe or not any(cell[:1] in "=+-@\t\r\n" for row in found for cell in row if cell)


@given(text=st.text(st.sampled_from(string.ascii_letters[:3] + '",\r\n\0'), max_size=20))
def test_any_text_is_read_or_refused(text):
    with suppress(ValueError):
        assert all(cells for _, cells in read_csv(text))
