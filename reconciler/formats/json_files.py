"""JSON files of a data set."""

from __future__ import annotations

import json

from reconciler.errors import Problem, SourceError
from reconciler.formats.reading import Reading
from reconciler.model.json import JSON


def read_json(reading: Reading, name: str, *, finite: bool = False) -> JSON:
    """A JSON file, or the list of the lines of a `.jsonl` file. finite: read NaN and infinities, which JSON has not, as
    null. Raises SourceError with the place of the fault."""
    constant = _nothing if finite else None
    raw = reading.files.read(name)
    try:
        if name.endswith(".jsonl"):
            return [
                json.loads(line, parse_constant=constant)
                for line in raw.decode("utf-8-sig").splitlines()
                if line.strip()
            ]
        return json.loads(raw.decode("utf-8-sig"), parse_constant=constant)
    except (ValueError, RecursionError) as exc:
        shown = reading.files.shown(name)
        problem = Problem(f"{shown} is not valid JSON: {exc}", address=shown, fix="repair the file or export it again")
        raise SourceError([problem]) from exc


def _nothing(constant: str) -> JSON:
    del constant
    return None
