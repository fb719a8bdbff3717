"""Any COCO data set comes back from an export exactly as it went in."""

import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_read import read_coco
from reconciler.formats.coco_write import CocoOptions, write_coco
from reconciler.formats.dm import encode_v1
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.masks import counts_to_text

WIDTH, HEIGHT = 20, 12
X = st.one_of(st.integers(0, WIDTH), st.floats(0, WIDTH))
Y = st.one_of(st.integers(0, HEIGHT), st.floats(0, HEIGHT))
RING = st.lists(st.tuples(X, Y), min_size=3, max_size=5).map(lambda points: [v for p in points for v in p])
CATEGORIES = [
    {"id": 3, "name": "cat", "supercategory": "animal"},
    {"id": 8, "name": "person", "keypoints": ["head", "hand"], "skeleton": [[1, 2]]},
]


@st.composite
def _code(draw):
    cuts = sorted(draw(st.sets(st.integers(1, WIDTH * HEIGHT - 1), min_size=1, max_size=6)))
    counts = [b - a for a, b in zip([0, *cuts], [*cuts, WIDTH * HEIGHT], strict=True)]
    return {"size": [HEIGHT, WIDTH], "counts": draw(st.sampled_from([counts, counts_to_text(counts)]))}


@st.composite
def _annotation(draw, number):
    row = {
        "id": number,
        "image_id": draw(st.sampled_from([1, 2])),
        "category_id": draw(st.sampled_from([3, 8])),
        "bbox": [draw(X), draw(Y), 1 + draw(X), 1 + draw(Y)],
        "area": draw(X),
        "iscrowd": draw(st.sampled_from([0, 1])),
        "segmentation": draw(st.one_of(st.just([]), st.lists(RING, min_size=1, max_size=3), _code())),
    }
    if row["category_id"] == 8:
        joints = [draw(st.tuples(X, Y, st.sampled_from([0, 1, 2]))) for _ in range(2)]
        row["keypoints"] = [v for joint in joints for v in joint]
        row["num_keypoints"] = sum(1 for *_, seen in joints if seen)
    if draw(st.booleans()):
        row["attributes"] = draw(st.dictionaries(st.sampled_from(["class", "color", "visibility"]), X, max_size=2))
    return row


@st.composite
def _datasets(draw):
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in (1, 2)],
        "annotations": [draw(_annotation(number)) for number in range(1, 1 + draw(st.integers(0, 5)))],
        "categories": CATEGORIES,
    }


@given(_datasets())
def test_imported_data_set_is_exported_as_it_was(source):
    dataset = read_coco(source)
    assert dataset.problems == ()
    items = [
        ExportItem(name[:-4], "1", json.loads(json.dumps(encode_v1(document))), {"image_1": MediaFile(name)})
        for name, document in dataset.documents("image_1")
    ]
    options = CocoOptions(geometry=EdgePolicy("keep"), categories=CategoryRules(rows=CATEGORIES))
    written = write_coco(items, options)["annotations/instances.json"]
    for part in ("images", "annotations", "categories"):
        assert sorted(written[part], key=lambda row: row["id"]) == source[part]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "images", "annotations", "categories", "segmentation", "image_id", "keypoints"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=15,
)


@given(JSON)
def test_anything_is_read_without_an_exception(value):
    dataset = read_coco(value)
    assert all(image.file_name for image in dataset.images)
