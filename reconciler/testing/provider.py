"""What every provider must do, as test classes. A provider's tests inherit them and give the fixtures.

    class TestMine(ResourceContract, UnitContract, AnnotationContract):
        @pytest.fixture
        def provider(self): ...
        @pytest.fixture
        def stranger(self, provider): ...

Each test starts on an empty backend. A capability that is missing changes what is expected; it does not skip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import pytest

from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import RULES
from reconciler.errors import BackendError, Conflict, Invalid, SourceError
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Absent, AnnotationRecord, Found, ObservedTask, ObservedUnit
from reconciler.model.unit import FileRef
from reconciler.providers.base import (
    Desired,
    NotModified,
    Provider,
    RecordListing,
    RowOutcome,
    TaskListing,
    UnitDraft,
    UnitEdit,
    UnitListing,
)
from reconciler.testing.content import MemoryContent

CHEST = Address("Collection", "chest-ct")
SCANS = Address("AssetSet", "scans")
LABELS = Address("AnnotationProject", "labels")
SPECS: list[dict[str, JSON]] = [
    {
        "name": "image_1",
        "type": "image",
        "extensions": [".png", ".jpg"],
        "required": True,
        "primary": True,
        "sequential": False,
    },
    {
        "name": "data_1",
        "type": "data",
        "extensions": [".json"],
        "required": False,
        "primary": False,
        "sequential": False,
    },
]
COLLECTION = Desired(
    CHEST,
    {"title": "Chest CT", "description": "Screening", "fileSpecifications": SPECS, "meta": {"owner": "radiology"}},
)
PAYLOAD: JSON = {"annotations": {"image_1": [{"id": "a", "tool": "bounding_box"}]}, "extra": {}, "assignmentId": None}


class Stranger(Protocol):
    """Someone else's hand on the same backend."""

    def set_collection_meta(self, remote_id: str, key: str, value: JSON) -> None:
        """Put a key into a collection's free JSON, leaving the rest."""

    def set_unit_meta(self, remote_id: str, key: str, value: JSON) -> None:
        """Put a key into a unit's free JSON, leaving the rest."""

    def drop_marker(self, remote_id: str) -> None:
        """Take our marker out of a unit, as if someone else had made it."""

    def rename_collection(self, remote_id: str, title: str) -> None:
        """Give a collection another title."""

    def create_collection(self, title: str) -> str:
        """Make a collection without our marker; returns its id."""


class _Fixtures:
    @pytest.fixture
    def provider(self) -> Iterator[Provider]:
        """The provider under test, on an empty backend."""
        raise NotImplementedError

    @pytest.fixture
    def stranger(self) -> Stranger:
        """Someone else on the same backend."""
        raise NotImplementedError

    @pytest.fixture
    def content(self, provider: Provider) -> MemoryContent:
        return MemoryContent(provider.capabilities.checksum)

    @pytest.fixture
    def collection(self, provider: Provider) -> Found:
        return provider.create(COLLECTION)


class ResourceContract(_Fixtures):
    """Objects: collections."""

    def test_check_on_a_good_backend_says_who_we_are(self, provider: Provider) -> None:
        assert provider.check()

    def test_create_read_back_gives_what_was_declared(self, provider: Provider, collection: Found) -> None:
        assert differences(COLLECTION, read(provider, CHEST, collection.remote_id)) == ()

    def test_create_marks_the_object_as_ours(self, provider: Provider, collection: Found) -> None:
        assert read(provider, CHEST, collection.remote_id).owner == "Collection/chest-ct"

    def test_create_repeated_gives_one_object(self, provider: Provider, collection: Found) -> None:
        assert provider.create(COLLECTION).remote_id == collection.remote_id
        assert len(list(provider.discover("Collection"))) == 1

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"title": "Only a title"}, "nothing else is required"),
            ({"title": "Ünïcode — 東京 🫁", "description": ""}, "any text, also the empty one"),
            ({"title": "t", "meta": {"nested": {"a": [1, 2.5, None, True]}, "empty": {}}}, "any free JSON"),
            ({"title": "t", "unitMetaSchema": {"type": "object"}}, "an open schema"),
            ({"title": "t", "unitMetaSchema": {"additionalProperties": False}}, "a closed schema comes back closed"),
            (
                {"title": "t", "unitMetaSchema": {"maxProperties": 1, "propertyNames": {"pattern": "^a"}}},
                "limits of number and names come back as declared",
            ),
        ],
    )
    def test_create_of_any_declared_fields_comes_back_equal(
        self, provider: Provider, fields: Mapping[str, JSON], reason: str
    ) -> None:
        desired = Desired(Address("Collection", "c"), fields)
        found = provider.create(desired)
        assert differences(desired, read(provider, CHEST, found.remote_id)) == (), reason

    @pytest.mark.parametrize(
        ("specs", "reason"),
        [
            ([], "no specification"),
            ([{**SPECS[0], "primary": False}, SPECS[1]], "no primary one, where a service demands one"),
            ([{**SPECS[1], "type": "document"}], "a type that the service calls otherwise"),
            ([{**SPECS[0], "description": "CT slice", "functionType": "main"}], "every key"),
            ([{**SPECS[0], "extensions": []}], "any extension"),
            ([SPECS[1], SPECS[0]], "the order is kept"),
            ([{**SPECS[0], "extensions": [".nii.gz"], "sequential": True}], "compound suffix, sequential"),
        ],
    )
    def test_create_with_specifications_comes_back_equal(
        self, provider: Provider, specs: list[JSON], reason: str
    ) -> None:
        desired = Desired(CHEST, {"title": "t", "fileSpecifications": specs})
        found = provider.create(desired)
        assert differences(desired, read(provider, CHEST, found.remote_id)) == (), reason

    def test_read_of_unknown_id_is_absent(self, provider: Provider) -> None:
        assert provider.read(CHEST, "987654") == Absent()

    def test_find_by_marker_gives_our_object_alone(
        self, provider: Provider, stranger: Stranger, collection: Found
    ) -> None:
        stranger.create_collection("Chest CT")
        assert [found.remote_id for found in provider.find(COLLECTION)] == [collection.remote_id]

    def test_find_by_name_gives_unmarked_objects(self, provider: Provider, stranger: Stranger) -> None:
        theirs = [stranger.create_collection("Chest CT") for _ in range(2)]
        found = provider.find(COLLECTION)
        assert sorted(item.remote_id for item in found) == sorted(theirs)
        assert {item.owner for item in found} == {None}

    def test_find_without_match_gives_nothing(self, provider: Provider, stranger: Stranger) -> None:
        stranger.create_collection("chest ct")
        assert provider.find(COLLECTION) == ()

    def test_discover_gives_all_with_owner(self, provider: Provider, stranger: Stranger, collection: Found) -> None:
        theirs = stranger.create_collection("Other")
        owners = {found.remote_id: found.owner for found in provider.discover("Collection")}
        assert owners == {collection.remote_id: "Collection/chest-ct", theirs: None}

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"title": "Chest CT 2"}, "a title"),
            ({"description": "New"}, "a text"),
            ({"meta": {"owner": "surgery", "ward": 7}}, "free JSON, key by key"),
            ({"unitMetaSchema": {"additionalProperties": False, "properties": {"age": {}}}}, "a closed schema"),
            ({"fileSpecifications": [{**SPECS[0], "required": False}, SPECS[1]]}, "one key of one specification"),
            ({"fileSpecifications": [SPECS[0]]}, "a specification less"),
            ({"fileSpecifications": [SPECS[0], {**SPECS[1], "name": "data_2"}, SPECS[1]]}, "one more, in the middle"),
            ({"fileSpecifications": [SPECS[1], SPECS[0]]}, "another order"),
        ],
    )
    def test_update_reaches_what_is_declared(
        self, provider: Provider, collection: Found, change: Mapping[str, JSON], reason: str
    ) -> None:
        desired = Desired(CHEST, {**COLLECTION.fields, **change})
        updated = provider.update(desired, collection, differences(desired, collection))
        assert differences(desired, updated) == (), reason
        assert differences(desired, read(provider, CHEST, collection.remote_id)) == (), reason

    def test_update_leaves_what_others_wrote(self, provider: Provider, stranger: Stranger, collection: Found) -> None:
        stranger.set_collection_meta(collection.remote_id, "theirs", [1])
        observed = read(provider, CHEST, collection.remote_id)
        desired = Desired(CHEST, {**COLLECTION.fields, "meta": {"owner": "surgery"}})
        updated = provider.update(desired, observed, differences(desired, observed))
        assert updated.fields["meta"] == {"owner": "surgery", "theirs": [1]}

    def test_update_of_an_object_changed_since_raises_conflict(
        self, provider: Provider, stranger: Stranger, collection: Found
    ) -> None:
        stranger.rename_collection(collection.remote_id, "Theirs")
        desired = Desired(CHEST, {**COLLECTION.fields, "description": "x"})
        with pytest.raises(Conflict):
            provider.update(desired, collection, (FieldChange(("description",), "Screening", "x"),))
        assert read(provider, CHEST, collection.remote_id).fields["title"] == "Theirs"

    def test_update_of_an_unmarked_object_marks_it(self, provider: Provider, stranger: Stranger) -> None:
        theirs = stranger.create_collection("Chest CT")
        observed = read(provider, CHEST, theirs)
        provider.update(COLLECTION, observed, differences(COLLECTION, observed))
        adopted = read(provider, CHEST, theirs)
        assert (adopted.owner, differences(COLLECTION, adopted)) == ("Collection/chest-ct", ())

    def test_delete_of_absent_object_succeeds(self, provider: Provider, collection: Found) -> None:
        provider.delete(CHEST, collection.remote_id)
        provider.delete(CHEST, collection.remote_id)
        assert provider.read(CHEST, collection.remote_id) == Absent()


class UnitContract(_Fixtures):
    """Rows of a collection: units."""

    @pytest.fixture
    def create(
        self, provider: Provider, collection: Found, content: MemoryContent
    ) -> Callable[[Sequence[UnitDraft]], list[RowOutcome]]:
        def run(drafts: Sequence[UnitDraft]) -> list[RowOutcome]:
            return provider.create_units(collection.remote_id, drafts, content, lambda _: None)

        return run

    def test_created_units_are_listed_with_owner_checksums_and_meta(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        image, label = content.add("image_1", "p1/a.png", b"image"), content.add("data_1", "p1/a.json", b"{}")
        [outcome] = create([draft("p1", image, label, meta={"age": 4})])
        [unit] = listed(provider, collection)
        assert unit == ObservedUnit(
            outcome.remote_id or "", SCANS.row("p1"), {"image_1": hexes(image), "data_1": hexes(label)}, {"age": 4}
        )

    def test_create_units_reports_every_byte_once(
        self, provider: Provider, collection: Found, content: MemoryContent
    ) -> None:
        drafts = [draft(f"u{n}", content.add("image_1", f"{n}.png", bytes([n]) * 1000)) for n in range(20)]
        sent: list[int] = []
        provider.create_units(collection.remote_id, drafts, content, sent.append)
        assert sum(sent) == 20_000

    def test_create_units_repeated_adopts_and_makes_nothing(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        drafts = [draft(f"u{n}", content.add("image_1", f"{n}.png", bytes([n]))) for n in range(3)]
        first, second = create(drafts), create(drafts)
        assert [o.remote_id for o in first] == [o.remote_id for o in second]
        assert [o.adopted for o in second] == [True] * 3
        assert len(listed(provider, collection)) == 3

    def test_create_units_repeated_with_other_meta_writes_it(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        image = content.add("image_1", "a.png", b"a")
        create([draft("a", image, meta={"age": 4})])
        create([draft("a", image, meta={"age": 5})])
        assert listed(provider, collection)[0].meta == {"age": 5}

    def test_one_file_in_several_units_is_sent_once(self, content: MemoryContent, create: Create) -> None:
        shared = content.add("data_1", "shared.json", b"{}")
        create([draft(f"u{n}", content.add("image_1", f"{n}.png", bytes([n])), shared) for n in range(5)])
        assert content.opened.count("shared.json") == 1

    def test_files_known_to_the_backend_are_not_sent(self, content: MemoryContent, create: Create) -> None:
        image, label = content.add("image_1", "a.png", b"a"), content.add("data_1", "a.json", b"{}")
        create([draft("a", image, label)])
        content.opened.clear()
        changed = content.add("image_1", "b.png", b"b")
        [outcome] = create([draft("b", changed, label, known=frozenset({hexes(label)}))])
        assert (outcome.error, content.opened) == (None, ["b.png"])

    def test_a_unit_that_is_refused_costs_no_other(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        drafts = [draft(f"u{n:02}", content.add("image_1", f"{n}.png", bytes([n]))) for n in range(20)]
        drafts[7] = draft("u07", content.add("data_1", "7.json", b"lacks its image"))
        drafts[13] = draft("u13", content.add("nonsense", "13.png", b"no such specification"))
        outcomes = create(drafts)
        failed = {outcome.key: type(outcome.error) for outcome in outcomes if outcome.error}
        assert failed == {"u07": Invalid, "u13": Invalid}
        assert [outcome.key for outcome in outcomes] == [d.address.key for d in drafts]
        assert len(listed(provider, collection)) == 18

    def test_a_file_that_changed_since_the_plan_fails_its_unit_alone(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        drafts = [draft(f"u{n}", content.add("image_1", f"{n}.png", b"xxx%d" % n)) for n in range(3)]
        content.files["1.png"] = b"yyy1"
        outcomes = create(drafts)
        assert [type(o.error) for o in outcomes] == [type(None), SourceError, type(None)]
        assert {unit.owner.key for unit in listed(provider, collection) if unit.owner} == {"u0", "u2"}

    @pytest.mark.parametrize("content_after", [b"longer than planned", b"s", b""], ids=["longer", "shorter", "empty"])
    def test_a_file_of_another_size_fails_its_unit(
        self, content: MemoryContent, create: Create, content_after: bytes
    ) -> None:
        unit = draft("u", content.add("image_1", "a.png", b"planned"))
        content.files["a.png"] = content_after
        assert isinstance(create([unit])[0].error, SourceError)

    def test_large_files_arrive_whole(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        large = content.add("image_1", "large.png", bytes(range(256)) * 4096 * 10)
        assert create([draft("a", large)])[0].error is None
        assert listed(provider, collection)[0].checksums == {"image_1": hexes(large)}

    def test_empty_files_are_stored(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        empty = content.add("data_1", "a.json", b"")
        [outcome] = create([draft("a", content.add("image_1", "a.png", b"a"), empty)])
        assert outcome.error is None
        assert listed(provider, collection)[0].checksums["data_1"] == hexes(empty)

    def test_two_files_for_one_specification_fail_their_unit(self, content: MemoryContent, create: Create) -> None:
        two = [content.add("image_1", f"{n}.png", bytes([n])) for n in range(2)]
        assert isinstance(create([draft("a", *two)])[0].error, Invalid)

    def test_the_same_files_under_two_keys(self, provider: Provider, content: MemoryContent, create: Create) -> None:
        image = content.add("image_1", "a.png", b"a")
        first, second = create([draft("a", image), draft("b", image)])
        expected = Conflict if provider.capabilities.unique_content else type(None)
        assert (first.error, type(second.error)) == (None, expected)

    @pytest.mark.parametrize(("adopt", "expected"), [(False, Conflict), (True, type(None))])
    def test_a_unit_without_owner_is_taken_over_only_when_asked(
        self,
        provider: Provider,
        stranger: Stranger,
        collection: Found,
        content: MemoryContent,
        create: Create,
        adopt: bool,
        expected: type,
    ) -> None:
        image = content.add("image_1", "a.png", b"a")
        [made] = create([draft("a", image)])
        stranger.drop_marker(made.remote_id or "")
        [outcome] = create([draft("a", image, adopt=adopt)])
        owner = listed(provider, collection)[0].owner
        assert (type(outcome.error), owner) == (expected, SCANS.row("a") if adopt else None)

    def test_a_closed_meta_schema_admits_our_marker_and_nothing_else(
        self, provider: Provider, content: MemoryContent
    ) -> None:
        schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "additionalProperties": False}
        found = provider.create(Desired(CHEST, {**COLLECTION.fields, "unitMetaSchema": schema}))
        drafts = [
            draft("good", content.add("image_1", "a.png", b"a"), meta={"age": 4}),
            draft("bad", content.add("image_1", "b.png", b"b"), meta={"age": 4, "size": 5}),
        ]
        outcomes = provider.create_units(found.remote_id, drafts, content, lambda _: None)
        assert [type(o.error) for o in outcomes] == [type(None), Invalid]

    def test_list_units_of_many_pages_gives_each_once(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        keys = [f"u{n:04}" for n in range(1203)]
        outcomes = create([draft(k, content.add("image_1", f"{k}.png", k.encode())) for k in keys])
        assert not [o for o in outcomes if o.error]
        assert sorted(unit.owner.key or "" for unit in listed(provider, collection) if unit.owner) == keys

    def test_list_units_with_its_own_etag_is_not_modified(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        create([draft("a", content.add("image_1", "a.png", b"a"))])
        etag = unit_listing(provider, collection).etag
        again = provider.list_units(collection.remote_id, etag=etag)
        assert isinstance(again, NotModified) == (etag is not None)
        create([draft("b", content.add("image_1", "b.png", b"b"))])
        assert isinstance(provider.list_units(collection.remote_id, etag=etag), UnitListing)

    def test_update_units_merges_meta_and_moves_the_marker(
        self, provider: Provider, stranger: Stranger, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [made] = create([draft("a", content.add("image_1", "a.png", b"a"), meta={"age": 4, "site": "x"})])
        unit_id = made.remote_id or ""
        stranger.set_unit_meta(unit_id, "theirs", "kept")
        edit = UnitEdit(unit_id, SCANS.row("b"), {"age": 5}, drop=("site",))
        assert provider.update_units(collection.remote_id, [edit]) == [RowOutcome("b", unit_id)]
        [unit] = listed(provider, collection)
        assert (unit.owner, unit.meta) == (SCANS.row("b"), {"age": 5, "theirs": "kept"})

    def test_update_units_of_one_that_is_gone_fails_it_alone(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [made] = create([draft("a", content.add("image_1", "a.png", b"a"))])
        edits = [
            UnitEdit("987654", SCANS.row("gone"), {"age": 1}),
            UnitEdit(made.remote_id or "", SCANS.row("a"), {"age": 2}),
        ]
        gone, kept = provider.update_units(collection.remote_id, edits)
        assert (isinstance(gone.error, BackendError), kept.error) == (True, None)

    def test_update_units_repeated_changes_nothing_more(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [made] = create([draft("a", content.add("image_1", "a.png", b"a"))])
        edit = UnitEdit(made.remote_id or "", SCANS.row("a"), {"age": 5}, groups=("site", "batch"))
        first = provider.update_units(collection.remote_id, [edit])
        etag = unit_listing(provider, collection).etag
        assert provider.update_units(collection.remote_id, [edit]) == first
        assert unit_listing(provider, collection).etag == etag

    def test_delete_units_repeated_succeeds(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        outcomes = create([draft(k, content.add("image_1", k, k.encode())) for k in "abc"])
        doomed = {o.key: o.remote_id or "" for o in outcomes[:2]}
        first, second = provider.delete_units(doomed), provider.delete_units(doomed)
        assert [o.error for o in (*first, *second)] == [None] * 4
        assert [unit.owner for unit in listed(provider, collection)] == [SCANS.row("c")]


class AnnotationContract(UnitContract):
    """Projects, tasks, and the records that exports are made of."""

    @pytest.fixture
    def project_desired(self, collection: Found) -> Desired:
        return Desired(
            LABELS,
            {
                "title": "CT labelling",
                "collection": collection.remote_id,
                "category": "image",
                "classes": {"bounding_box": ["nodule", "vessel"], "polygon": ["lung"]},
            },
        )

    @pytest.fixture
    def project(self, provider: Provider, project_desired: Desired) -> Found:
        return provider.create(project_desired)

    @pytest.fixture
    def unit_ids(self, content: MemoryContent, create: Create) -> list[str]:
        drafts = [
            draft(k, content.add("image_1", f"{k}/img.png", k.encode()), meta={"n": n}) for n, k in enumerate("abc")
        ]
        return [outcome.remote_id or "" for outcome in create(drafts)]

    def test_project_read_back_gives_what_was_declared(
        self, provider: Provider, project: Found, project_desired: Desired
    ) -> None:
        found = read(provider, LABELS, project.remote_id)
        assert (differences(project_desired, found), found.owner) == ((), "AnnotationProject/labels")

    def test_project_created_twice_is_one(self, provider: Provider, project: Found, project_desired: Desired) -> None:
        assert provider.create(project_desired).remote_id == project.remote_id
        assert len(list(provider.discover("AnnotationProject"))) == 1

    def test_project_update_of_classes_reaches_what_is_declared(
        self, provider: Provider, project: Found, project_desired: Desired
    ) -> None:
        classes = {"bounding_box": ["vessel", "nodule", "rib"], "polygon": []}
        desired = Desired(LABELS, {**project_desired.fields, "classes": classes})
        updated = provider.update(desired, project, differences(desired, project))
        assert differences(desired, updated) == ()

    def test_create_tasks_gives_an_id_for_every_unit(
        self, provider: Provider, project: Found, unit_ids: list[str]
    ) -> None:
        made = provider.create_tasks(project.remote_id, unit_ids)
        assert {task.unit_id: task.remote_id for task in listed_tasks(provider, project)} == made
        assert list(made) == unit_ids

    def test_create_tasks_repeated_gives_the_same(
        self, provider: Provider, project: Found, unit_ids: list[str]
    ) -> None:
        first = provider.create_tasks(project.remote_id, unit_ids[:2])
        again = provider.create_tasks(project.remote_id, unit_ids)
        assert {unit: again[unit] for unit in first} == first
        assert len(listed_tasks(provider, project)) == 3

    def test_annotate_shows_in_the_digest(self, provider: Provider, project: Found, unit_ids: list[str]) -> None:
        tasks = provider.create_tasks(project.remote_id, unit_ids)
        provider.annotate(tasks[unit_ids[0]], PAYLOAD, submit=True)
        digests = {task.unit_id: task.data_digest for task in listed_tasks(provider, project)}
        assert digests == dict.fromkeys(unit_ids) | {unit_ids[0]: digest(PAYLOAD)}

    def test_list_tasks_with_its_own_etag_is_not_modified(
        self, provider: Provider, project: Found, unit_ids: list[str]
    ) -> None:
        tasks = provider.create_tasks(project.remote_id, unit_ids)
        etag = task_listing(provider, project).etag
        again = provider.list_tasks(project.remote_id, etag=etag)
        assert isinstance(again, NotModified) == (etag is not None)
        provider.annotate(tasks[unit_ids[0]], PAYLOAD, submit=False)
        assert isinstance(provider.list_tasks(project.remote_id, etag=etag), TaskListing)

    def test_delete_tasks_repeated_succeeds(self, provider: Provider, project: Found, unit_ids: list[str]) -> None:
        tasks = provider.create_tasks(project.remote_id, unit_ids)
        doomed = {"a": tasks[unit_ids[0]]}
        assert [o.error for o in (*provider.delete_tasks(doomed), *provider.delete_tasks(doomed))] == [None, None]
        assert len(listed_tasks(provider, project)) == 2

    def test_records_of_tasks_have_payload_key_meta_and_files(
        self, provider: Provider, project: Found, unit_ids: list[str]
    ) -> None:
        tasks = provider.create_tasks(project.remote_id, unit_ids)
        provider.annotate(tasks[unit_ids[1]], PAYLOAD, submit=True)
        by_key = {record.key: record for record in task_records(provider, project)}
        assert {key: record.data for key, record in by_key.items()} == {"a": None, "b": PAYLOAD, "c": None}
        assert by_key["b"].unit_meta == {"n": 1}
        assert [(file.spec, file.name) for file in by_key["b"].files] == [("image_1", "img.png")]

    def test_records_are_ordered_by_id(self, provider: Provider, project: Found, unit_ids: list[str]) -> None:
        provider.create_tasks(project.remote_id, list(reversed(unit_ids)))
        ids = [int(record.remote_id) for record in task_records(provider, project)]
        assert ids == sorted(ids)

    def test_fetch_gives_the_bytes_of_a_file(self, provider: Provider, project: Found, unit_ids: list[str]) -> None:
        provider.create_tasks(project.remote_id, unit_ids)
        [record] = [record for record in task_records(provider, project) if record.key == "b"]
        assert b"".join(provider.fetch(record.files[0])) == b"b"

    def test_records_with_an_unknown_filter_are_refused(self, provider: Provider, project: Found) -> None:
        with pytest.raises(Invalid, match="status_lable"):
            provider.records("assignment", {"project": project.remote_id}, {"status_lable": ["completed"]})

    def test_records_filtered_give_those_alone(self, provider: Provider, project: Found, unit_ids: list[str]) -> None:
        tasks = provider.create_tasks(project.remote_id, unit_ids)
        provider.annotate(tasks[unit_ids[2]], PAYLOAD, submit=True)
        listing = provider.records("task", {"project": project.remote_id}, {"has_data": True})
        assert isinstance(listing, RecordListing)
        assert [record.key for record in listing.records] == ["c"]


Create = Callable[[Sequence[UnitDraft]], list[RowOutcome]]


def draft(
    key: str,
    *files: FileRef,
    meta: Mapping[str, JSON] | None = None,
    adopt: bool = False,
    known: frozenset[str] = frozenset(),
) -> UnitDraft:
    """A unit of the AssetSet `scans`."""
    return UnitDraft(SCANS.row(key), files, meta or {}, adopt=adopt, known=known)


def hexes(file: FileRef) -> str:
    """The checksum of a file as listings report it."""
    assert file.checksum is not None
    return file.checksum.hex


def read(provider: Provider, address: Address, remote_id: str) -> Found:
    """Read what must be there."""
    found = provider.read(address, remote_id)
    assert isinstance(found, Found)
    return found


def differences(desired: Desired, observed: Found) -> tuple[FieldChange, ...]:
    """What is missing to the declared fields."""
    return diff_fields(desired.fields, observed.fields, RULES[desired.address.kind])


def unit_listing(provider: Provider, collection: Found) -> UnitListing:
    """The listing of a collection's units."""
    listing = provider.list_units(collection.remote_id)
    assert isinstance(listing, UnitListing)
    return listing


def listed(provider: Provider, collection: Found) -> list[ObservedUnit]:
    """All units of a collection."""
    return [unit for page in unit_listing(provider, collection).pages for unit in page]


def task_listing(provider: Provider, project: Found) -> TaskListing:
    """The listing of a project's tasks."""
    listing = provider.list_tasks(project.remote_id)
    assert isinstance(listing, TaskListing)
    return listing


def listed_tasks(provider: Provider, project: Found) -> list[ObservedTask]:
    """All tasks of a project."""
    return [task for page in task_listing(provider, project).pages for task in page]


def task_records(provider: Provider, project: Found) -> list[AnnotationRecord]:
    """All task records of a project."""
    listing = provider.records("task", {"project": project.remote_id}, {})
    assert isinstance(listing, RecordListing)
    return list(listing.records)
