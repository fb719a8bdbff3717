"""Any document becomes YOLO that our reader reads, every annotation accounted for; any label file is read."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.dm import encode_payload
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.writers import open_writer
from tests.property.test_formats_documents import HEIGHT, WIDTH, _documents
from tests.support.exports import export_of
from tests.support.memory_datasets import MemoryDataset, as_items, read_dataset, write_dataset

OPTIONS = st.fixed_dictionaries(
    {"task": st.sampled_from(["detect", "segment", "pose", "obb"]), "parts": st.sampled_from(["joined", "separate"])}
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first document waits for the tables of Unicode
@given(_documents(), OPTIONS)
def test_document_becomes_labels_in_the_picture_and_an_account_that_adds_up(document, options):
    item = ExportItem("k", "1", encode_payload(document), {"image_1": MediaFile("a.png")})
    files, (account,) = write_dataset(open_writer(export_of(format="yolo", options=options)), [item])
    assert account.read == account.written + account.dropped + account.failed == len(document.media[0].annotations)
    read = read_dataset(MemoryDataset({**_text(files), "images/k.png": b""}, (WIDTH, HEIGHT)), "yolo", **_task(options))
    assert read.problems == []
    for row in files["labels/k.txt"].splitlines():
        assert all(0 <= float(value) <= 1 for value in row.split()[1:] if "." in value)


def _text(files):
    return {path: text for path, text in files.items() if path.endswith((".txt", ".yaml"))}


def _task(options):
    return {"task": options["task"]} if options["task"] != "pose" else {}


ROW = st.lists(st.one_of(st.floats(0, 1), st.integers(0, 2), st.sampled_from(["x", "nan", "1e999", "-1", "0.0"])))


@given(st.lists(ROW, max_size=4), st.sampled_from([None, "detect", "segment", "obb"]))
def test_any_label_file_is_read_and_bad_rows_are_told(rows, task):
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    files = {"a.jpg": b"", "a.txt": text, "classes.txt": "car\nbus"}
    read = read_dataset(MemoryDataset(files), "yolo", **({"task": task} if task else {}))
    assert len(read.annotations) + len(read.problems) == sum(bool(row) for row in rows)


BOXES = st.lists(st.tuples(*[st.integers(0, 1_000_000)] * 4), max_size=4)


@given(BOXES)
def test_labels_with_six_decimals_come_back_byte_for_byte(boxes):
    """Of boxes that do not leave the picture."""
    rows = ""
    for x, y, w, h in boxes:
        wide, high = 1 + min(w, 2 * x, 2_000_000 - 2 * x), 1 + min(h, 2 * y, 2_000_000 - 2 * y)
        rows += "0 " + " ".join(f"{value / 1e6:.6f}" for value in (x, y, wide, high)) + "\n"
    inside = "".join(row for row in rows.splitlines(keepends=True) if _is_inside(row))
    files = {"images/a.jpg": b"", "labels/a.txt": inside, "classes.txt": "car"}
    read = read_dataset(MemoryDataset(files, (1919, 1081)), "yolo")
    assert write_dataset(open_writer(export_of(format="yolo")), as_items(read.found))[0]["labels/a.txt"] == inside


def _is_inside(row):
    x, y, wide, high = (float(value) for value in row.split()[1:])
    return all(side / 2 <= middle <= 1 - side / 2 for middle, side in ((x, wide), (y, high)))
