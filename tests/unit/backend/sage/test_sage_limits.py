"""The limits of the Sage dialect at their real sizes, and ids that no route may stumble over."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.backend.sage.services import ROUTES
from tests.unit.backend.sage.conftest import Sage

HOSTILE = ("%00", "9" * 15, "9" * 400, "-1", "%F0%9F%92%A5", "syn1.%2e", "..%2f..", "'%20OR%201=1", "%ff")


def filled_container(sage: Sage, count: int) -> str:
    """A folder with so many folders in it, written into the store in one go."""
    top = sage.owner.entity("Project", "atlas")["id"]
    made = int(sage.owner.entity("Folder", "full", parentId=top)["id"][3:])
    first = int(sage.owner.entity("Folder", "first", parentId=f"syn{made}")["id"][3:])
    with sage.backend.app.store.writing() as db:
        for table, key, changes in (
            ("sage_entities", "id", lambda number: {"id": number, "name": f"f{number}"}),
            ("sage_versions", "entity_id", lambda number: {"entity_id": number}),
        ):
            row = dict(db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (first,)).fetchone())
            rows = [tuple((row | changes(number)).values()) for number in range(first + 1, first + count)]
            db.executemany(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", rows)
    return f"syn{made}"


def test_container_takes_ten_thousand_children_and_no_more(sage: Sage) -> None:
    full = filled_container(sage, 9_999)
    sage.owner.entity("Folder", "last", parentId=full)
    body = {"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "surplus", "parentId": full}
    assert "10000" in sage.owner.fails("POST", "/entity", 400, json=body)


@pytest.mark.every_database
def test_pages_of_children_are_complete_and_in_order(sage: Sage) -> None:
    full = filled_container(sage, 1_234)
    names: list[str] = []
    body: dict[str, Any] = {"parentId": full, "includeTypes": ["folder"]}
    while True:
        page = sage.owner.ok("POST", "/entity/children", json=body)
        names += [one["name"] for one in page["page"]]
        if "nextPageToken" not in page:
            break
        body["nextPageToken"] = page["nextPageToken"]
    assert len(names) == 1_234
    assert names == sorted(set(names))


def test_tree_is_fifty_levels_deep_at_most(sage: Sage) -> None:
    parent = sage.owner.entity("Project", "atlas")["id"]
    for level in range(2, 51):
        parent = sage.owner.entity("Folder", f"level {level}", parentId=parent)["id"]
    body = {"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "deeper", "parentId": parent}
    assert "50" in sage.owner.fails("POST", "/entity", 400, json=body)
    assert len(sage.owner.ok("GET", f"/entity/{parent}/path")["path"]) == 51  # with the root


def test_name_of_256_characters_is_taken(sage: Sage) -> None:
    assert sage.owner.entity("Project", "x" * 256)["name"] == "x" * 256


@pytest.mark.parametrize(
    ("annotations", "status", "reason"),
    [
        ({f"k{number}": ["v"] for number in range(100)}, 200, "as many keys as there may be"),
        ({f"k{number}": ["v"] for number in range(101)}, 400, "one key too many"),
        ({"k": ["v"] * 100}, 200, "as many values as there may be"),
        ({"k": ["v"] * 101}, 400, "one value too many"),
        ({"k": ["v" * 250] * 2}, 200, "as many characters as there may be"),
        ({"k": ["v" * 250, "v" * 251]}, 400, "one character too many"),
        ({"k" * 256: ["v"]}, 200, "as long a key as there may be"),
        ({"k" * 257: ["v"]}, 400, "a key too long"),
    ],
)
def test_annotations_end_at_their_limits(
    sage: Sage, annotations: dict[str, list[str]], status: int, reason: str
) -> None:
    top = sage.owner.entity("Project", "atlas")
    listed = {key: {"type": "STRING", "value": values} for key, values in annotations.items()}
    body = {"id": top["id"], "etag": top["etag"], "annotations": listed}
    assert sage.owner.send("PUT", f"/entity/{top['id']}/annotations2", json=body).status_code == status, reason


@pytest.mark.parametrize("value", HOSTILE)
def test_no_operation_fails_over_a_hostile_id(sage: Sage, value: str) -> None:
    for route in ROUTES:
        sage.owner.send(route.method, re.sub(r"\{[a-zA-Z.]+\}", value, route.template), json={})
