"""Whatever is written into a manifest reads back: by strict mode, and as both official readers read."""

from __future__ import annotations

import io
from datetime import timedelta, timezone
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.formats.manifest_cells import Dialect, Wire
from reconciler.sources.manifest import read_manifest
from reconciler.sources.manifest_row import ManifestOptions, ManifestRow
from reconciler.sources.manifest_write import manifest_text
from tests.support.manifests import wires

KEYS = ("age", "Name.x", "k_1")
SEOUL = timezone(timedelta(hours=9))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), st.none() | wires(), max_size=3), min_size=1, max_size=5),
    st.sampled_from(Dialect),
    st.booleans(),
)
def test_written_manifest_reads_back(rows: list[dict[str, Wire | None]], dialect: Dialect, strict: bool) -> None:
    written = [
        ManifestRow(0, f"https://x.org/{n}", "syn1", f"f{n}.txt", is_external=True, annotations=annotations)
        for n, annotations in enumerate(rows)
    ]
    text = manifest_text(written, dialect, "m")
    options = ManifestOptions(strict, Path("/"), {}, SEOUL)
    reading = read_manifest(lambda: io.BytesIO(text.encode()), "m", options)
    assert [str(problem) for problem in reading.problems] == []
    assert [dict(row.annotations) for row in reading.rows] == rows


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), max_size=12))
def test_reader_never_raises_for_what_a_file_holds(lines: list[str]) -> None:
    content = "path\tparent\tk\n" + "\n".join(lines)
    for strict in (True, False):
        options = ManifestOptions(strict, Path("/nowhere"), {})
        reading = read_manifest(lambda: io.BytesIO(content.encode()), "m", options)
        assert reading.columns is not None or reading.has_errors
        assert all(problem.at is not None for problem in reading.problems)
