"""What is compared for each kind, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.kinds import OBJECT_KINDS


@dataclass(frozen=True, slots=True)
class Rules:
    """How `diff_fields` compares one kind.

    keyed: path of a list → the item key it is indexed by, so that items are matched by name, not by position.
    unordered: paths of lists of plain values whose order means nothing. Paths are written with dots; "*" stands for
    an item of a keyed list. replace: top-level fields that cannot change in place on any backend. open: mappings in
    which others keep keys of their own ("*" stands for any key): when one is declared no more, only the keys that we
    applied go.
    """

    keyed: Mapping[str, str] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset({"meta", "datamaker", "sage"})


RULES: Mapping[str, Rules] = {
    "Collection": Rules(
        keyed={"fileSpecifications": "name"},
        unordered=frozenset({"fileSpecifications.*.extensions"}),
        open=frozenset({"meta", "datamaker", "datamaker.groups", "sage"}),
    ),
    "AnnotationProject": Rules(
        open=frozenset(
            {
                "datamaker",
                "datamaker.tags",
                "datamaker.tags.*",
                "datamaker.review_tags",
                "datamaker.workshops",
                "datamaker.workshops.*.workers",
                "datamaker.workshops.*.reviewers",
                "sage",
            }
        )
    ),
    "AssetSet": Rules(),
    "TaskSet": Rules(),
    "Export": Rules(),
    **{
        name: Rules(keyed=kind.keyed, unordered=kind.unordered, open=frozenset(kind.sets) | kind.open)
        for name, kind in OBJECT_KINDS.items()
    },
}
