"""Exporters of the user's own: what they get and give, and what their mistakes cost."""

# ruff: noqa: ARG005  # exporters take what they are given

import json

import pytest

from reconciler.errors import ItemRefused, ReconcilerError
from reconciler.exporting import INTERFACE, Exporter, ItemResult, SharedFile
from reconciler.formats.account import Loss
from reconciler.formats.custom_write import CustomWriter, check_exporter
from reconciler.formats.items import ExportItem, Fragment, MediaFile, item_digest

ROWS = [{"id": i, "tool": "classification", "classification": {"class": c}} for i, c in (("a", "car"), ("b", "bus"))]
ITEM = ExportItem(
    "x/1",
    "7",
    {"annotations": {"image_1": ROWS}, "extra": {"image_1": {"width": 4, "height": 3}}},
    {"image_1": MediaFile("p.png")},
    {"site": "A"},
    "train",
    chunks=lambda spec: iter([spec.encode(), b"!"]),
)


def writer(convert, **fields):
    return CustomWriter("mine", Exporter("1", convert, **fields), {"n": 1})


def shared(made, *items):
    fragments = [Fragment(i.key, i.split, made.write_item(i).fragment) for i in items]
    return {f.path: b"".join(f.chunks) for f in made.assemble(lambda: fragments)}


def test_exporter_sees_the_typed_item_and_its_settings():
    seen = []
    writer(lambda item, settings: seen.append((item, settings)) or ItemResult()).write_item(ITEM)
    ((view, settings),) = seen
    assert (view.key, view.name, view.split, view.meta, settings) == ("x/1", "x/1", "train", {"site": "A"}, {"n": 1})
    assert (view.media["image_1"].path, view.media["image_1"].width) == ("images/train/x/1.png", 4)
    assert [a.class_name for a in view.annotations[0].annotations] == ["car", "bus"]
    assert view.read("image_1") == b"image_1!"


def test_item_has_its_own_file_where_we_say():
    output = writer(lambda item, settings: ItemResult("é"), suffix=".txt").write_item(ITEM)
    assert output.files == {"annotations/train/x/1.txt": "é".encode()}


def test_account_counts_what_was_left_out():
    account = writer(lambda item, settings: ItemResult(left_out=["b"])).write_item(ITEM).account
    assert (account.read, account.written, account.classes) == (2, 1, {"car": 1})
    assert [(e.reason, e.annotations) for e in account.entries] == [(Loss.BY_EXPORTER, ("b",))]


def test_shared_files_are_made_of_the_parts_in_path_order():
    def finish(parts, settings):
        yield SharedFile("z.txt", (part.key for part in parts()))
        yield SharedFile("a/n.json", json.dumps([part.value for part in parts()]))

    made = writer(lambda item, settings: ItemResult(part={"k": item.key}), finish=finish)
    assert shared(made, ITEM) == {"a/n.json": b'[{"k": "x/1"}]', "z.txt": b"x/1"}
    assert list(shared(made, ITEM)) == ["a/n.json", "z.txt"]


def _raises(item, settings):
    raise ValueError("what\nis this")


def _exits(item, settings):
    raise SystemExit(3)


FAULTS = [
    (_raises, "the exporter mine failed: ValueError: what is this, in .*test_custom_write.py:.*raise ValueError"),
    (_exits, "SystemExit: 3"),
    (lambda item, settings: None, "the result is a NoneType, not an ItemResult"),
    (lambda item, settings: ItemResult(part={1, 2}), "its part is not JSON"),
    (lambda item, settings: ItemResult(part=float("nan")), "its part is not JSON"),
    (lambda item, settings: ItemResult(part="\ud800"), "its part is not JSON"),
    (lambda item, settings: ItemResult("text"), "it has no suffix"),
    (lambda item, settings: ItemResult(left_out=["nobody"]), "left_out names 'nobody'"),
    (lambda item, settings: ItemResult(left_out="ab"), "must be a list"),
    (lambda item, settings: ItemResult(left_out=None), "must be a list"),
    (lambda item: ItemResult(), "TypeError: .*takes 1 positional argument"),
]


@pytest.mark.parametrize(("convert", "message"), FAULTS)
def test_mistake_of_the_exporter_is_told(convert, message):
    with pytest.raises(ItemRefused, match=message):
        writer(convert).write_item(ITEM)


@pytest.mark.parametrize("content", [None, 3, ["a"]])
def test_exporter_with_a_suffix_must_give_content(content):
    with pytest.raises(ItemRefused, match="not bytes or text"):
        writer(lambda item, settings: ItemResult(content), suffix=".txt").write_item(ITEM)


HOSTILE = ["../x", "/x", "a//b", "", "a/../b", "a\0b",
           "metadata/x", "annotations/x", "README.md", "a\\b", "con", "x" * 300, 3]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_path_of_a_shared_file_never_leaves_its_place(path):
    made = writer(lambda item, settings: ItemResult(), finish=lambda parts, settings: [SharedFile(path, "")])
    with pytest.raises(ReconcilerError, match="may not write"):
        shared(made, ITEM)


def test_failure_while_finishing_is_told():
    for finish in (lambda parts, s: 1 / 0, lambda parts, s: [SharedFile("a", (1 / 0 for _ in "x"))]):
        with pytest.raises(ReconcilerError, match="failed while finishing: ZeroDivisionError"):
            shared(writer(lambda item, settings: ItemResult(), finish=finish), ITEM)


def test_shared_file_written_twice_is_refused():
    twice = [SharedFile("a.txt", ""), SharedFile("A.txt", "")]
    with pytest.raises(ReconcilerError, match="twice"):
        shared(writer(lambda item, settings: ItemResult(), finish=lambda parts, settings: twice), ITEM)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (3, "is a int, not an Exporter"),
        (Exporter("1", _raises, interface=2), "version 2 of the interface"),
        (Exporter("", _raises), "declares no version"),
        (Exporter("1", _raises, suffix="/../x"), "has the suffix"),
    ],
)
def test_exporter_that_cannot_be_run_is_refused(found, message):
    with pytest.raises(ReconcilerError, match=message):
        check_exporter("mine", found)


def test_item_depends_on_version_settings_and_all_metadata():
    made = writer(_raises)
    newer = CustomWriter("mine", Exporter("2", _raises), {"n": 1})
    other = CustomWriter("mine", Exporter("1", _raises), {"n": 2})
    assert len({item_digest(ITEM, one, "p") for one in (made, newer, other)}) == 3
    moved = ExportItem(ITEM.key, "7", ITEM.data, ITEM.media, {"site": "B"}, "train")
    assert item_digest(ITEM, made, "p") != item_digest(moved, made, "p")


def test_interface_is_the_documented_one():
    assert INTERFACE == Exporter("1", _raises).interface == 1
