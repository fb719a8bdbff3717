"""Any annotations → every format there is → its reader: nothing raises, vanishes, moves or escapes.

The formats are those of the registry, each with every value of its options, so that a new one is tried from the start.
"""

import json
import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.errors import Severity
from reconciler.formats.account import Outcome
from reconciler.formats.annotations import (
    Annotation,
    Box,
    ClassForm,
    Classification,
    Dialect,
    Document,
    Frame,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Polyline,
    Relation,
    Track,
)
from reconciler.formats.dm import encode_payload
from reconciler.formats.geometry import corners, ring_area
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.media_shapes import (
    Content,
    Link,
    NamedEntity,
    PointSet,
    Prompt,
    TimeRange,
    TimeUnit,
)
from reconciler.formats.readers import READERS
from reconciler.formats.writers import OPTION_SCHEMAS
from reconciler.model.resource import GeometryPolicy
from tests.support.every_format import NO_ANNOTATIONS, Variant, is_safe, read, variants, write
from tests.support.shapes import extent

VARIANTS = variants()
WIDTH, HEIGHT = 40, 30
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
FEW = settings(max_examples=30, deadline=None, suppress_health_check=SLOW)

# Pixels that an edge may move by on the way; what moves further must be accounted for.
TOLERANCES = {
    "coco": 1e-5,
    "csv": 0.0,
    "cvat": 1e-5,
    "imagefolder": 0.0,  # no geometry
    "jsonl": 0.0,
    "labelme": 1e-5,
    "labelstudio": 1e-5,  # percent of the picture
    "parquet": 0.0,
    "synapse-json": 0.0,
    "voc": 0.5,  # whole pixels, and polygons as the pixels whose middle they cover
    "yolo": 1e-6 * WIDTH,  # six decimals of the width
}


def every_variant(function):
    return pytest.mark.parametrize("variant", VARIANTS, ids=str)(function)


def test_every_format_is_tried_and_says_how_exact_it_is():
    assert {v.format for v in VARIANTS} == set(OPTION_SCHEMAS) - set(NO_ANNOTATIONS) == set(TOLERANCES)
    assert set(TOLERANCES) <= set(READERS)


NUMBERS = st.one_of(st.integers(-10, 50), st.floats(-10, 50))
SIDES = st.one_of(st.integers(0, 60), st.floats(0, 60))
PAIRS = st.tuples(NUMBERS, NUMBERS)
RINGS = st.lists(PAIRS, max_size=6).map(tuple)
TEXTS = st.text(max_size=8)
PATHS = ["../../etc/passwd", "..", ".", "", "/", "/etc/x", "a/../../b", "a\\..\\b", "C:\\x", "~", "$HOME", "%00"]
LETTERS = ["a\x00b", "a\nb", "\u202e", " ", "x" * 300, "한" * 120, "e\u0301", "😀", "CON", "null", "0", "=1+1"]
TAKEN = ["data.yaml", "classes.txt", "a.jpg", "</name>", "background"]
HOSTILE = st.sampled_from([*PATHS, *LETTERS, *TAKEN])
NAMES = st.one_of(HOSTILE, TEXTS)
FILES = st.one_of(NAMES, st.sampled_from(["\udcff", "a\udcff.jpg"]))  # bytes of a name that are no text
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.none(), st.lists(TEXTS, max_size=2))
MEANING = ["iscrowd", "visibility", "occluded", "truncated", "part_of", "caption", "pose", "rotation"]
ATTRIBUTES = st.dictionaries(st.one_of(TEXTS, st.sampled_from(MEANING)), VALUES, max_size=2)


@st.composite
def _runs(draw, size=WIDTH * HEIGHT):
    cuts = sorted(draw(st.sets(st.integers(0, size), min_size=2, max_size=8)))
    return tuple((a, b - a) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


BOXES = st.builds(Box, NUMBERS, NUMBERS, SIDES, SIDES, st.one_of(st.none(), st.floats(-4, 4)))
VECTORS = st.just({"x": 1.0, "y": 2.0, "z": 3.0})
CONTENTS = st.lists(st.builds(Content, st.just("text"), TEXTS), max_size=2).map(tuple)
SHAPES = {
    "bounding_box": BOXES,
    "polygon": st.builds(Polygon, RINGS, st.none(), st.lists(RINGS, max_size=2).map(tuple)),
    "polyline": st.builds(Polyline, RINGS),
    "keypoint": st.builds(Point, NUMBERS, NUMBERS),
    "segmentation": st.builds(Mask, _runs()),
    "classification": st.just(Classification()),
    "relation": st.builds(Link, st.just("a0"), st.just("a1")),
}
OTHERS = {
    "text_1": ("named_entity", st.builds(NamedEntity, st.just(({"start": 0, "end": 2},)), TEXTS)),
    "audio_1": ("segmentation", st.builds(TimeRange, SIDES, SIDES, st.just(TimeUnit.SECONDS))),
    "video_1": ("bounding_box", st.builds(lambda box, n: Track((Frame(n, box),)), BOXES, st.integers(0, 9))),
    "pcd_1": ("3d_segmentation", st.builds(PointSet, st.lists(st.integers(0, 99), max_size=3).map(tuple))),
    "prompt_1": ("prompt", st.builds(Prompt, CONTENTS)),
}


@st.composite
def _annotation(draw, number, tool, shape):
    form = draw(st.sampled_from([ClassForm.OBJECT, ClassForm.OBJECT, ClassForm.TEXT, ClassForm.NULL]))
    named = form in (ClassForm.OBJECT, ClassForm.TEXT)
    attributes = draw(ATTRIBUTES) if form is ClassForm.OBJECT else {}
    return Annotation(f"a{number}", tool, draw(shape), draw(NAMES) if named else None, attributes, form=form)


@st.composite
def _picture(draw, media):
    tools = draw(st.lists(st.sampled_from(sorted(SHAPES)), max_size=6))
    rows = tuple(draw(_annotation(n, tool, SHAPES[tool])) for n, tool in enumerate(tools))
    ids = [a.id for a in rows]
    members = draw(st.lists(st.lists(st.sampled_from(ids), min_size=1, unique=True), max_size=2)) if ids else []
    groups = tuple(Group(f"g{n}", tuple(found)) for n, found in enumerate(members))
    relations = (Relation("r", ids[0], ids[-1]),) if ids and draw(st.booleans()) else ()
    size = (WIDTH, HEIGHT) if draw(st.integers(0, 3)) else (None, None)
    return MediaAnnotations(media, rows, *size, groups, relations)


@st.composite
def _items(draw, key):
    """An item, with the number of its annotations as the id of its record."""
    media = [draw(_picture("image_1"))]
    if draw(st.booleans()):
        media.append(draw(_picture("image_2")))
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(OTHERS)))
        tool, shape = OTHERS[name]
        media.append(MediaAnnotations(name, (draw(_annotation(0, tool, shape)),)))
    payload = encode_payload(Document(tuple(media), draw(st.sampled_from(list(Dialect)))))
    count = sum(len(one.annotations) for one in media)
    names = {"image_1": "a.png", "image_2": "b.png"}
    files = {
        spec: MediaFile(name, width=WIDTH, height=HEIGHT, is_primary=name == "a.png") for spec, name in names.items()
    }
    return ExportItem(
        key, str(count), json.loads(json.dumps(payload)), files, split=draw(st.sampled_from([None, "train"]))
    )


POLICIES = st.builds(GeometryPolicy, st.sampled_from(["clip", "keep", "drop", "fail"]), st.sampled_from([0.0, 2.5]))


@every_variant
def test_any_annotations_are_written_accounted_for_and_read(variant):
    @FEW
    @given(st.tuples(_items("a"), _items("b")), POLICIES)
    def check(items, policy):
        written = write(variant.writer(geometry=policy), *items)
        for output, account, item in zip(written.outputs, written.accounts, items, strict=True):
            assert account == output.account
            assert account.read == account.written + account.dropped + account.failed
            assert account.read == int(item.record_id)
        assert write(variant.writer(geometry=policy), *items).files == written.files
        found, problems = read(variant, written)
        refused = [p for p in problems if p.severity is Severity.ERROR]  # warnings tell of what is outside or unknown
        assert policy.mode == "keep" or not refused, refused
        assert len({one.name for one in found}) == len(found) or variant.format == "coco"  # a file for captions, too

    check()


@every_variant
def test_no_name_leads_out_of_the_destination(variant):
    @FEW
    @given(st.lists(st.tuples(FILES, FILES, NAMES), min_size=1, max_size=2), st.one_of(st.none(), NAMES), NAMES)
    def check(named, split, specification):
        items = [_named(key, file, label, split, f"image_{specification}") for key, file, label in named]
        assume(len({item.key for item in items}) == len(items))
        writer = variant.writer(**({"splits": object()} if split is not None else {}))
        paths = [writer.paths(item).all for item in items]
        assume(len(paths) == 1 or not {_folded(p) for p in paths[0]} & {_folded(p) for p in paths[1]})
        written = write(writer, *items)
        assert [path for path in written.files if not is_safe(path)] == []

    check()


def _named(key, file, label, split, specification):
    tools = {"a": "bounding_box", "b": "classification"}
    rows = [{"id": name, "tool": tool, "classification": {"class": label}} for name, tool in tools.items()]
    data = [{"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}, {"id": "b"}]
    payload = {"annotations": {"image_1": rows}, "annotationsData": {"image_1": data}}
    picture = MediaFile(file, width=WIDTH, height=HEIGHT, type="image", is_primary=True)
    media = {"image_1": picture, specification: MediaFile(file)}
    return ExportItem(key, "1", payload, media, split=split)


def _folded(path):
    return path.casefold()


@st.composite
def _inside_box(draw):
    x, y = draw(st.floats(0, WIDTH - 2)), draw(st.floats(0, HEIGHT - 2))
    return Box(x, y, draw(st.floats(1, WIDTH - x)), draw(st.floats(1, HEIGHT - y)))


@st.composite
def _inside_turned(draw):
    box = Box(
        draw(st.floats(14, 18)),
        draw(st.floats(10, 13)),
        draw(st.floats(1, 8)),
        draw(st.floats(1, 6)),
        draw(st.floats(0.01, 3)),
    )
    assume(all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in corners(box)))
    return box


@st.composite
def _inside_ring(draw):
    """A star around a middle, so that no edges cross."""
    middle, count = (20, 15), draw(st.integers(3, 7))
    turns = sorted(draw(st.lists(st.integers(0, 59), min_size=count, max_size=count, unique=True)))
    assume(all((b - a) % 60 < 29 for a, b in zip(turns, [*turns[1:], turns[0]], strict=True)))
    reaches = [draw(st.floats(4, 14)) for _ in turns]
    return Polygon(
        tuple(
            (middle[0] + r * math.cos(t * math.pi / 30), middle[1] + r * math.sin(t * math.pi / 30))
            for t, r in zip(turns, reaches, strict=True)
        )
    )


LINES = st.lists(st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)), min_size=2, max_size=5, unique=True)
EXACT = {
    "bounding_box": st.one_of(_inside_box(), _inside_turned()),
    "polygon": _inside_ring(),
    "polyline": LINES.map(lambda points: Polyline(tuple(points))),
    "keypoint": st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)).map(lambda p: Point(*p)),
    "segmentation": _runs().map(Mask),
    "classification": st.just(Classification()),
}


@st.composite
def _exact(draw):
    """Shapes inside the picture, each of its own class."""
    tools = draw(st.lists(st.sampled_from(sorted(EXACT)), min_size=1, max_size=5))
    rows = tuple(Annotation(f"a{n}", tool, draw(EXACT[tool]), f"class{n}") for n, tool in enumerate(tools))
    return MediaAnnotations("image_1", rows, WIDTH, HEIGHT)


@every_variant
def test_what_is_written_whole_comes_back_where_it_was(variant):
    @FEW
    @given(_exact())
    def check(drawn):
        payload = json.loads(json.dumps(encode_payload(Document((drawn,)))))
        media = {"image_1": MediaFile("k.png", width=WIDTH, height=HEIGHT, is_primary=True)}
        written = write(variant.writer(), ExportItem("k", "1", payload, media))
        entries = written.outputs[0].account.entries
        lost = {i for e in entries if e.outcome in (Outcome.DROPPED, Outcome.FAILED) for i in e.annotations}
        touched = {i for e in entries if e.outcome in (Outcome.CLIPPED, Outcome.LOSSY) for i in e.annotations}
        found = _found(variant, written)
        for annotation in drawn.annotations:
            if annotation.id not in lost:
                assert annotation.class_name in found, (annotation, entries)
                if annotation.id not in touched:
                    assert _is_near(annotation.shape, found[annotation.class_name], TOLERANCES[variant.format])

    check()


def _found(variant: Variant, written):
    """Class → the shapes that came back."""
    found, _ = read(variant, written)
    shapes: dict[str, list] = {}
    for one in found:
        if one.document is None:
            return {
                row["classification"]["class"]: None for rows in one.payload["annotations"].values() for row in rows
            }
        for media in one.document.media:
            for annotation in media.annotations:
                shapes.setdefault(annotation.class_name, []).append(annotation.shape)
    return shapes


def _is_near(shape, found, tolerance):
    if found is None or isinstance(shape, Classification):
        return found is None or any(isinstance(one, Classification) for one in found)
    drawn = [extent(one, WIDTH) for one in found if not isinstance(one, Classification)]
    near = [all(abs(a - b) <= tolerance for a, b in zip(extent(shape, WIDTH), one, strict=True)) for one in drawn]
    if isinstance(shape, (Mask, Polygon)):
        slack = 0.01 if isinstance(shape, Mask) else 0.01 + tolerance * 4 * (WIDTH + HEIGHT)
        return any(near) and any(
            abs(_area(one) - _area(shape)) < slack for one in found if isinstance(one, (Mask, Polygon))
        )
    return any(near)


def _area(shape):
    if isinstance(shape, Mask):
        return sum(length for _, length in shape.runs)
    return ring_area(shape.points) - sum(ring_area(hole) for hole in shape.holes)
