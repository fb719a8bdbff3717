"""Values of annotations for tests of manifests."""

from __future__ import annotations

from hypothesis import strategies as st

from reconciler.formats.manifest_cells import Wire, WireType

TRICKY = (
    "NA", "None", "nan", "007", "True", "2020-01-01", "20240101", "2023-W10", "[a,b]", "[", "]", '"q"', "'q'", "it's",
    "1.0", "2e3", "1_0", "0x1", "inf", "-", "a\tb", "a\nb", "a, b", " x ", "\\n", "{}", "()", "b'x'", "a;b", "é", "#",
    "\u2028", "\u00a0", "None ", "1,000", "...", "u'x'", "true ", "+5", "'", "''",
)  # fmt: skip


def wires() -> st.SearchStrategy[Wire]:
    """Any annotation that a manifest can hold, of every type, one value or several."""
    texts = st.sampled_from(TRICKY) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
    kinds = {
        WireType.STRING: texts,
        WireType.BOOLEAN: st.sampled_from(("true", "false")),
        WireType.LONG: st.integers(-(2**63), 2**63 - 1).map(str) | st.integers(19000101, 20301231).map(str),
        WireType.DOUBLE: st.floats(allow_nan=False).map(str),
        WireType.TIMESTAMP: st.integers(-(10**13), 10**13).map(str),
    }
    several = (st.lists(values, min_size=1, max_size=3).map(tuple).map(lambda v, k=kind: Wire(k, v))
               for kind, values in kinds.items())  # fmt: skip
    return st.one_of(*several)
