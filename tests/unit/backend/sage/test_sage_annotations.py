"""Annotations, provenance and bundles of the Sage dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import P, Sage

COLOUR = {"colour": {"type": "STRING", "value": ["red", "blue"]}}


def annotate(sage: Sage, entity: dict[str, Any], annotations: dict[str, Any]) -> dict[str, Any]:
    body = {"id": entity["id"], "etag": entity["etag"], "annotations": annotations}
    stored: dict[str, Any] = sage.owner.ok("PUT", f"/entity/{entity['id']}/annotations2", json=body)
    return stored


def make_file(sage: Sage, content: bytes = b"one") -> dict[str, Any]:
    top = sage.owner.entity("Project", "atlas")
    return sage.owner.entity("FileEntity", "a.txt", parentId=top["id"], dataFileHandleId=sage.owner.upload(content))


def activity(sage: Sage, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = sage.owner.ok("POST", "/activity", 201, json={"name": "run", **fields})
    return made


def used(entity: dict[str, Any], **reference: Any) -> dict[str, Any]:
    target = {"targetId": entity["id"], **reference}
    return {"concreteType": f"{P}.provenance.UsedEntity", "reference": target, "wasExecuted": False}


def test_annotations_replace_and_change_the_etag_of_the_entity(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    first = annotate(sage, made, COLOUR)
    second = annotate(sage, first, {"size": {"type": "LONG", "value": ["1"]}})
    assert list(second["annotations"]) == ["size"]
    assert len({made["etag"], first["etag"], second["etag"]}) == 3
    assert sage.owner.ok("GET", f"/entity/{made['id']}")["etag"] == second["etag"]


def test_annotations_with_an_old_etag_are_refused(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    annotate(sage, made, COLOUR)
    body = {"etag": made["etag"], "annotations": {}}
    sage.owner.fails("PUT", f"/entity/{made['id']}/annotations2", 412, json=body)
    sage.owner.fails("PUT", f"/entity/{made['id']}/annotations2", 400, json={"annotations": {}})


def test_annotations_need_update(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    body = {"etag": made["etag"], "annotations": {}}
    reason = sage.other.fails("PUT", f"/entity/{made['id']}/annotations2", 403, json=body)
    assert reason == "You lack UPDATE access to the requested entity."


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [
        ("a", "LONG", ["1.5"]),
        ("a", "LONG", [str(1 << 63)]),
        ("a", "TIMESTAMP_MS", ["2024-01-01"]),
        ("a", "DOUBLE", ["one"]),
        ("a", "BOOLEAN", ["yes"]),
        ("a", "STRING", [None]),
        ("a", "STRING", [1]),
        ("a", "STRING", ["x" * 501]),
        ("a", "STRING", ["x"] * 101),
        ("a", "COLOUR", ["x"]),
        ("a b", "STRING", ["x"]),
        ("_accessRequirementIds", "STRING", ["x"]),
    ],
)
def test_annotation_that_breaks_a_rule_is_refused(sage: Sage, key: str, kind: str, value: list[Any]) -> None:
    made = sage.owner.entity("Project", "atlas")
    body = {"etag": made["etag"], "annotations": {key: {"type": kind, "value": value}}}
    sage.owner.fails("PUT", f"/entity/{made['id']}/annotations2", 400, json=body)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("LONG", [str(-(1 << 63)), "+7"]),
        ("DOUBLE", ["1e5", "nan", "-inf", ".5"]),
        ("BOOLEAN", ["True", "false"]),
        ("STRING", []),
        ("STRING", ["x" * 500]),
    ],
)
def test_annotation_within_the_rules_is_kept_as_it_came(sage: Sage, kind: str, value: list[str]) -> None:
    annotations = {"a": {"type": kind, "value": value}}
    assert annotate(sage, sage.owner.entity("Project", "atlas"), annotations)["annotations"] == annotations


def test_annotations_are_at_most_a_hundred(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    many = {f"k{number}": {"type": "LONG", "value": ["1"]} for number in range(101)}
    body = {"etag": made["etag"], "annotations": many}
    sage.owner.fails("PUT", f"/entity/{made['id']}/annotations2", 400, json=body)


def test_new_version_keeps_annotations_and_drops_provenance(sage: Sage) -> None:
    made = make_file(sage)
    annotate(sage, made, COLOUR)
    sage.owner.ok("PUT", f"/entity/{made['id']}/generatedBy?generatedBy={activity(sage)['id']}")
    current = sage.owner.ok("GET", f"/entity/{made['id']}")
    del current["versionLabel"]
    second = sage.owner.ok("PUT", f"/entity/{made['id']}?newVersion=true", json=current)
    assert second["versionNumber"] == 2
    assert sage.owner.ok("GET", f"/entity/{made['id']}/annotations2")["annotations"] == COLOUR
    sage.owner.fails("GET", f"/entity/{made['id']}/generatedBy", 404)
    sage.owner.ok("GET", f"/entity/{made['id']}/version/1/generatedBy")


def test_old_version_keeps_its_own_annotations(sage: Sage) -> None:
    made = make_file(sage)
    annotate(sage, made, COLOUR)
    current = sage.owner.ok("GET", f"/entity/{made['id']}")
    del current["versionLabel"]
    annotate(sage, sage.owner.ok("PUT", f"/entity/{made['id']}?newVersion=true", json=current), {})
    assert sage.owner.ok("GET", f"/entity/{made['id']}/version/1/annotations2")["annotations"] == COLOUR
    assert sage.owner.ok("GET", f"/entity/{made['id']}/annotations2")["annotations"] == {}


def test_update_on_the_same_version_keeps_provenance_and_gives_a_new_etag(sage: Sage) -> None:
    made, run = make_file(sage), activity(sage)
    sage.owner.ok("PUT", f"/entity/{made['id']}/generatedBy?generatedBy={run['id']}")
    current = sage.owner.ok("GET", f"/entity/{made['id']}")
    assert current["etag"] != made["etag"]
    sage.owner.ok("PUT", f"/entity/{made['id']}", json=current | {"description": "x"})
    assert sage.owner.ok("GET", f"/entity/{made['id']}/generatedBy")["id"] == run["id"]


def test_activity_fills_in_the_current_version_of_what_was_used(sage: Sage) -> None:
    made = make_file(sage)
    del made["versionLabel"]
    sage.owner.ok("PUT", f"/entity/{made['id']}?newVersion=true", json=made)
    run = activity(sage, used=[used(made, targetVersionNumber=None), used(made, targetVersionNumber=1)])
    assert [one["reference"]["targetVersionNumber"] for one in run["used"]] == [2, 1]


def test_activity_keeps_the_order_of_what_was_used_and_executed(sage: Sage) -> None:
    kind = f"{P}.provenance.UsedURL"
    listed = [
        {"concreteType": kind, "name": "b", "url": "https://example.com/b", "wasExecuted": True},
        {"concreteType": kind, "name": "a", "url": "https://example.com/a", "wasExecuted": False},
    ]
    run = activity(sage, used=listed)
    assert sage.owner.ok("GET", f"/activity/{run['id']}")["used"] == listed


@pytest.mark.parametrize(
    "item",
    [
        {"concreteType": f"{P}.provenance.UsedURL", "url": "no url"},
        {"concreteType": f"{P}.provenance.UsedEntity", "reference": {"targetId": "x"}},
        {"concreteType": "unknown"},
        {"url": "https://example.com"},
        "text",
    ],
)
def test_activity_with_something_malformed_is_refused(sage: Sage, item: Any) -> None:
    sage.owner.fails("POST", "/activity", 400, json={"name": "run", "used": [item]})


def test_activity_is_changed_by_its_creator_only_and_with_its_etag(sage: Sage) -> None:
    run = activity(sage)
    changed = sage.owner.ok("PUT", f"/activity/{run['id']}", json=run | {"name": "again"})
    assert (changed["name"], changed["etag"] == run["etag"]) == ("again", False)
    sage.owner.fails("PUT", f"/activity/{run['id']}", 412, json=run)
    sage.other.fails("PUT", f"/activity/{run['id']}", 403, json=changed)
    sage.other.fails("GET", f"/activity/{run['id']}", 403)


def test_activity_is_readable_with_what_it_generated(sage: Sage) -> None:
    made, run = make_file(sage), activity(sage)
    sage.owner.ok("PUT", f"/entity/{made['id']}/generatedBy?generatedBy={run['id']}")
    acl = sage.owner.ok("GET", f"/entity/{made['parentId']}/acl")
    acl["resourceAccess"].append({"principalId": 3000002, "accessType": ["READ"]})
    sage.owner.ok("PUT", f"/entity/{made['parentId']}/acl", json=acl)
    assert sage.other.ok("GET", f"/activity/{run['id']}")["name"] == "run"
    listed = sage.other.ok("GET", f"/activity/{run['id']}/generated")["results"]
    assert listed == [{"targetId": made["id"], "targetVersionNumber": 1}]


def test_activity_in_use_stays_and_an_unlinked_one_goes(sage: Sage) -> None:
    made, run = make_file(sage), activity(sage)
    sage.owner.ok("PUT", f"/entity/{made['id']}/generatedBy?generatedBy={run['id']}")
    sage.owner.fails("DELETE", f"/activity/{run['id']}", 400)
    sage.owner.ok("DELETE", f"/entity/{made['id']}/generatedBy", 204)
    for _time in range(2):
        sage.owner.ok("DELETE", f"/activity/{run['id']}", 204)


def test_bundle_has_the_parts_that_were_asked_for(sage: Sage) -> None:
    made = make_file(sage)
    asked = ("Entity", "Annotations", "FileHandles", "RestrictionInformation", "AccessControlList", "BenefactorACL")
    bundle = sage.owner.ok("POST", f"/entity/{made['id']}/bundle2", json={f"include{one}": True for one in asked})
    assert set(bundle) == {
        "entity", "entityType", "annotations", "fileHandles", "restrictionInformation", "benefactorAcl",
    }  # fmt: skip
    assert bundle["entity"] == made
    assert bundle["entityType"] == "file"
    assert bundle["fileHandles"][0]["id"] == made["dataFileHandleId"]
    assert bundle["restrictionInformation"]["hasUnmetAccessRequirement"] is False


def test_bundle_creates_entity_annotations_and_access_list(sage: Sage) -> None:
    body = {
        "entity": {"concreteType": f"{P}.Project", "name": "atlas"},
        "annotations": {"annotations": COLOUR},
        "accessControlList": {
            "resourceAccess": [
                {"principalId": 3000001, "accessType": ["READ", "UPDATE", "CHANGE_PERMISSIONS"]},
                {"principalId": 3000002, "accessType": ["READ"]},
            ]
        },
    }
    made = sage.owner.ok("POST", "/entity/bundle2/create", 201, json=body)
    assert made["annotations"]["annotations"] == COLOUR
    assert sage.other.ok("GET", f"/entity/{made['entity']['id']}")["etag"] == made["entity"]["etag"]


def test_bundle_update_adds_to_the_annotations(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    stored = annotate(sage, made, COLOUR)
    body = {
        "entity": made | {"etag": stored["etag"], "description": "x"},
        "annotations": {"annotations": {"n": {"type": "LONG", "value": ["1"]}}},
    }
    bundle = sage.owner.ok("PUT", f"/entity/{made['id']}/bundle2", json=body)
    assert set(bundle["annotations"]["annotations"]) == {"colour", "n"}
    assert bundle["entity"]["description"] == "x"
    sage.owner.fails("PUT", f"/entity/{made['id']}/bundle2", 412, json=body)


def test_activity_unknown_is_missing_however_its_id_is_written(sage: Sage) -> None:
    for number in ("999999999", "syn999999999"):
        sage.owner.fails("GET", f"/activity/{number}", 404)


def test_entity_as_json_has_annotations_beside_its_fields(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    listed = {
        "n": {"type": "LONG", "value": ["7"]},
        "x": {"type": "DOUBLE", "value": ["nan", "1.5"]},
        "on": {"type": "TIMESTAMP_MS", "value": ["1701673200000"]},
        "far": {"type": "TIMESTAMP_MS", "value": [str((1 << 63) - 1)]},
    }
    flat = sage.owner.ok("GET", f"/entity/{annotate(sage, made, COLOUR | listed)['id']}/json")
    assert (flat["name"], flat["n"], flat["colour"]) == ("atlas", 7, ["red", "blue"])
    assert (flat["x"], flat["on"]) == (["nan", 1.5], "2023-12-04T07:00:00.000Z")
    assert flat["far"] == str((1 << 63) - 1)


def test_entity_put_as_json_replaces_annotations(sage: Sage) -> None:
    made = sage.owner.entity("Project", "atlas")
    flat = sage.owner.ok("PUT", f"/entity/{made['id']}/json", json=made | {"n": 1, "on": True, "x": [1, 2.5], "t": "a"})
    assert sage.owner.ok("GET", f"/entity/{made['id']}/annotations2")["annotations"] == {
        "n": {"type": "LONG", "value": ["1"]},
        "on": {"type": "BOOLEAN", "value": ["true"]},
        "x": {"type": "DOUBLE", "value": ["1", "2.5"]},
        "t": {"type": "STRING", "value": ["a"]},
    }
    sage.owner.fails("PUT", f"/entity/{made['id']}/json", 412, json=made)
    sage.owner.fails("PUT", f"/entity/{made['id']}/json", 400, json=flat | {"n": {"a": 1}})
