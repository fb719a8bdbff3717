"""`ImageSets` of a VOC data set: which pictures a list has, and which classes a list says are in a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reconciler.errors import Location, Problem, Severity
from reconciler.formats.reading import Reading
from reconciler.formats.voc_files import VocFiles


@dataclass(slots=True)
class ImageSets:
    """lists: name ("train") → ids of its pictures. presence: id of a picture → classes that are in it, in order."""

    lists: dict[str, set[str]] = field(default_factory=dict)
    presence: dict[str, list[str]] = field(default_factory=dict)

    def members(self, name: str) -> set[str]:
        """Ids of the pictures in `ImageSets/Main/NAME.txt` or `ImageSets/Segmentation/NAME.txt`."""
        return self.lists.get(name, set())

    def classes_of(self, picture: str) -> list[str]:
        """Classes that lists give a picture."""
        return self.presence.get(picture, [])


def read_lists(reading: Reading, files: VocFiles) -> ImageSets:
    """Read `ImageSets/Main` and `ImageSets/Segmentation`. A list `CLASS_NAME.txt` with signs is one of a class."""
    found = ImageSets()
    names = {PurePosixPath(path).stem for path in files.lists}
    wanted = reading.options.get("imageSet")
    for path, file in sorted(files.lists.items()):
        place = PurePosixPath(path)
        if place.parent.name not in ("Main", "Segmentation", ""):
            continue
        folder = "/".join(place.parts[: -2 if place.parent.name else -1])
        lines = reading.files.read(file).decode("utf-8-sig", errors="replace").splitlines()
        ids = [f"{folder}/{line}" if folder else line for line in map(str.strip, lines) if line and line[0] != "#"]
        label = next((place.stem.removesuffix(f"_{n}") for n in names if place.stem.endswith(f"_{n}")), None)
        if label is not None and ids and all(_sign(line) is not None for line in ids):
            for line in ids:
                if _sign(line) == 1:
                    classes = found.presence.setdefault(line.rpartition(" ")[0].strip(), [])
                    classes.extend([label] if label not in classes else [])
        else:
            found.lists.setdefault(place.stem, set()).update(ids)
    if wanted is not None and str(wanted) not in found.lists:
        known = ", ".join(sorted(found.lists)) or "none"
        shown = reading.files.shown("ImageSets")
        text = f"there is no list {wanted!r} in ImageSets"
        problem = Problem(text, at=Location(shown), fix=f"name one of: {known}", severity=Severity.ERROR)
        reading.problem(problem)
    return found


def _sign(line: str) -> int | None:
    """1, 0 or -1 at the end of a line; None without one."""
    _, space, sign = line.rpartition(" ")
    return int(sign) if space and sign in ("1", "0", "-1") else None
