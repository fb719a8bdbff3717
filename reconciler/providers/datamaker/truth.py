"""Ground truth data sets on the wire (`/v2/ground-truth-datasets/`) and their versions.

The service keeps a name and a description and nothing free, so our marker is the last line of the description. A
version is an immutable snapshot: it can be made, and neither changed nor deleted. Which project a data set belongs to
is the service's own business: it tells, and takes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.kinds import SNAPSHOT
from reconciler.model.observed import Found
from reconciler.plan.refusals import Bar, Fixed
from reconciler.providers.datamaker.envelope import V2_PAGE, all_rows
from reconciler.providers.datamaker.marker import marked_text, text_owner, unmarked_text
from reconciler.providers.datamaker.parts import Rows, add_row, text_in
from reconciler.providers.http import HttpClient, Params

PATH = "/v2/ground-truth-datasets/"
KIND = "GroundTruthDataset"
NAME = "name"
KEYED: Mapping[str, str] = {}
FIXED = (
    Fixed(
        ("versions", "*"),
        Bar.REMOVE,
        "a version is an immutable snapshot that the service cannot delete; declare it again, or delete the whole data "
        "set",
    ),
)

Wire = Mapping[str, JSON]


def from_wire(wire: Wire) -> Found:
    """Read the detail of a data set, without its versions."""
    fields: dict[str, JSON] = {"title": wire.get("name"), "description": unmarked_text(wire.get("description"))}
    if wire.get("project_id"):  # 0 stands for none where a client cannot take null
        fields["project"] = str(wire["project_id"])
    owner = text_owner(wire.get("description"))
    return Found(str(wire["id"]), fields, etag=digest([fields, owner]), owner=owner)


def to_wire(fields: Mapping[str, JSON], address: Address, observed: Wire | None = None) -> dict[str, JSON]:
    """Give the body that creates a data set, or its full writable state."""
    del observed
    return {"name": fields["title"], "description": marked_text(fields.get("description") or "", address)}


def rows(remote_id: str) -> tuple[str, Params]:
    """What tells whether a data set holds anything."""
    return f"{PATH}{remote_id}/versions/", {}


@dataclass(frozen=True, slots=True)
class Versions:
    """The field `versions`: name of a version → `SNAPSHOT`."""

    field: tuple[str, ...] = ("versions",)

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """`GET .../versions/`, in the order in which they were made."""
        path, _ = rows(remote_id)
        there = list(all_rows(client, path, {"per_page": V2_PAGE}))
        there.sort(key=lambda row: (str(row.get("created")), str(row.get("id"))))
        return dict.fromkeys((text_in(row, "version", f"GET {path}") for row in there), SNAPSHOT)

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """`POST .../versions/` for each new one, in their order. Raises Invalid when one would have to go."""
        gone = sorted(before.keys() - after.keys())
        if gone:
            raise Invalid(f"versions cannot be deleted: {', '.join(gone)}", fix="declare them again")
        path, _ = rows(remote_id)
        for name in after:
            if name not in before:
                add_row(client, path, {"version": name}, ("version",))


PARTS = (Versions(),)
