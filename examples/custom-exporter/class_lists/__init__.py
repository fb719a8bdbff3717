"""One text file per item with a class per line, and `classes.csv` with the number of items that each class is in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator

from reconciler.exporting import Exporter, ItemResult, ItemView, Part, Settings, SharedFile


def convert(item: ItemView, settings: Settings) -> ItemResult:
    """The classes of an item, sorted; annotations without class, or with one of `ignore`, are left out."""
    ignored = set(settings.get("ignore", ()))
    drawn = [annotation for media in item.annotations for annotation in media.annotations]
    classes = sorted({a.class_name for a in drawn if a.class_name and a.class_name not in ignored})
    left_out = [a.id for a in drawn if not a.class_name or a.class_name in ignored]
    return ItemResult(content="".join(f"{name}\n" for name in classes), part=classes, left_out=left_out)


def finish(parts: Callable[[], Iterator[Part]], settings: Settings) -> Iterator[SharedFile]:
    """`classes.csv`, sorted by class."""
    del settings  # `convert` has minded them
    counts = Counter(name for part in parts() for name in part.value)
    out = io.StringIO()
    csv.writer(out).writerows([("class", "items"), *sorted(counts.items())])
    yield SharedFile("classes.csv", out.getvalue())


EXPORTER = Exporter(version="1.0.0", convert=convert, finish=finish, suffix=".txt")
