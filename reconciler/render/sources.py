"""What `explore` found in a source, as text."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.render.amounts import plural, size_text
from reconciler.render.problems import problem_text
from reconciler.render.shown import safe_text
from reconciler.render.style import PLAIN, Style
from reconciler.render.tables import table_text
from reconciler.sources.explore import Exploration


def exploration_text(found: Exploration, *, style: Style = PLAIN) -> str:
    """Counts, a sample of the tree, extensions, and how well each way of grouping fits."""
    return "\n".join(_lines(found, style))


def _lines(found: Exploration, style: Style) -> Iterator[str]:
    more = "" if found.is_complete else f"; a sample, since there are more than {found.limit:,} (--limit)"
    yield style.paint(f"{found.url}: {plural(found.file_count, 'file')}, {size_text(found.byte_count)}{more}", "bold")
    yield from (f"  {safe_text(line)}" for line in found.tree)
    yield ""
    extensions = [(e.extension or "(none)", f"{e.files:,}", size_text(e.bytes)) for e in found.extensions]
    yield _indented(table_text(("extension", "files", "size"), extensions))
    yield ""
    layouts = [
        (layout.layout, f"{layout.units:,}", f"{layout.complete:,}", f"{layout.conflicts:,}", f"{layout.coverage:.0%}")
        for layout in found.layouts
    ]
    yield _indented(table_text(("layout", "units", "complete", "conflicts", "coverage"), layouts))
    for tally in found.excluded:
        samples = ", ".join(safe_text(sample) for sample in tally.samples)
        yield f"  left out, {tally.label}: {tally.count:,} ({samples})"
    for problem in found.problems:
        yield problem_text(problem, style=style)
    yield ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
