"""What a provider must do whose units are files known by their place, as test classes; see `testing.provider`.

Each test starts on an empty backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import pytest

from reconciler.errors import BackendError, Conflict, Invalid, SourceError
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found, ObservedUnit
from reconciler.model.unit import FileRef
from reconciler.providers.base import Desired, NotModified, Provider, RowOutcome, UnitDraft, UnitEdit
from reconciler.testing.content import MemoryContent
from reconciler.testing.provider import differences

LAB = Address("Collection", "lab")
SCANS = Address("AssetSet", "scans")


class Create(Protocol):
    """Creates files of the collection."""

    def __call__(self, drafts: Sequence[UnitDraft]) -> list[RowOutcome]: ...


class PlaceContract:
    """Collections by name, files by path. desired: what makes a collection, given by the provider's tests."""

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test, on an empty backend."""
        raise NotImplementedError

    @pytest.fixture
    def desired(self) -> Desired:
        return Desired(LAB, {"title": "Lab 7", "description": "Ours", "meta": {"owner": "x", "n": 3}})

    @pytest.fixture
    def content(self, provider: Provider) -> MemoryContent:
        return MemoryContent(provider.capabilities.checksum)

    @pytest.fixture
    def collection(self, provider: Provider, desired: Desired) -> Found:
        return provider.create(desired)

    @pytest.fixture
    def create(self, provider: Provider, collection: Found, content: MemoryContent) -> Create:
        def run(drafts: Sequence[UnitDraft]) -> list[RowOutcome]:
            return provider.create_units(collection.remote_id, drafts, content, lambda _: None)

        return run

    # -- collections

    def test_check_on_a_good_backend_says_who_we_are(self, provider: Provider) -> None:
        assert provider.check()

    def test_create_read_back_gives_what_was_declared(
        self, provider: Provider, desired: Desired, collection: Found
    ) -> None:
        found = provider.read(LAB, collection.remote_id)
        assert isinstance(found, Found)
        assert differences(desired, found) == ()

    def test_create_where_the_name_is_taken_is_a_conflict(
        self, provider: Provider, desired: Desired, collection: Found
    ) -> None:
        with pytest.raises(Conflict):
            provider.create(desired)
        assert [found.remote_id for found in provider.find(desired)] == [collection.remote_id]

    def test_find_by_name_gives_nobodys_object(self, provider: Provider, desired: Desired, collection: Found) -> None:
        [found] = provider.find(desired)
        assert (found.remote_id, found.owner) == (collection.remote_id, None)
        assert provider.find(replace(desired, fields={**desired.fields, "title": "lab 7"})) == ()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"title": "Lab 8"}, "another name"),
            ({"description": ""}, "an empty text"),
            ({"meta": {"owner": "y", "list": [1, 2], "when": "2024-05-06"}}, "other metadata"),
        ],
    )
    def test_update_reaches_what_is_declared(
        self, provider: Provider, desired: Desired, collection: Found, change: Mapping[str, JSON], reason: str
    ) -> None:
        after = replace(desired, fields={**desired.fields, **change})
        updated = provider.update(after, collection, differences(after, collection))
        found = provider.read(LAB, collection.remote_id)
        assert isinstance(found, Found)
        assert (differences(after, updated), differences(after, found)) == ((), ()), reason

    def test_update_of_an_object_changed_since_is_a_conflict(
        self, provider: Provider, desired: Desired, collection: Found
    ) -> None:
        first = replace(desired, fields={**desired.fields, "title": "Lab 8"})
        provider.update(first, collection, differences(first, collection))
        second = replace(desired, fields={**desired.fields, "title": "Lab 9"})
        with pytest.raises(Conflict):
            provider.update(second, collection, differences(second, collection))

    def test_delete_repeated_succeeds(self, provider: Provider, collection: Found) -> None:
        provider.delete(LAB, collection.remote_id)
        provider.delete(LAB, collection.remote_id)
        assert provider.read(LAB, collection.remote_id) == Absent()

    # -- files

    def test_created_files_are_listed_in_outline_and_read_in_full(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        file = content.add("file", "in/a.txt", b"one")
        [outcome] = create([draft("in/a.txt", file, meta={"age": 4, "tags": ["x", "y"]})])
        [outline] = listed(provider, collection)
        [unit] = provider.read_units([outline])
        assert (outline.remote_id, outline.key, outline.checksums) == (outcome.remote_id, "in/a.txt", {})
        assert (unit.checksums, unit.meta, unit.key) == (
            {"file": hexes(file)},
            {"age": 4, "tags": ["x", "y"]},
            "in/a.txt",
        )
        assert unit.token == outline.token == outcome.token

    def test_create_repeated_makes_nothing_more(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        drafts = [draft(f"d/{n}.txt", content.add("file", f"{n}", b"%d" % n)) for n in range(3)]
        first, second = create(drafts), create(drafts)
        assert [o.remote_id for o in first] == [o.remote_id for o in second]
        assert [o.adopted for o in second] == [True] * 3
        assert len(listed(provider, collection)) == 3

    @pytest.mark.parametrize(("adopt", "expected"), [(False, Conflict), (True, type(None))])
    def test_another_file_at_the_place_is_taken_over_only_when_asked(
        self, content: MemoryContent, create: Create, adopt: bool, expected: type
    ) -> None:
        [made] = create([draft("a.txt", content.add("file", "theirs", b"theirs"))])
        [outcome] = create([draft("a.txt", content.add("file", "ours", b"ours"), adopt=adopt)])
        assert type(outcome.error) is expected
        assert outcome.remote_id == (made.remote_id if adopt else None)

    def test_the_same_bytes_at_two_places_are_sent_once(self, content: MemoryContent, create: Create) -> None:
        outcomes = create([draft("a.txt", content.add("file", "a.txt", b"same"))])
        outcomes += create([draft("b/a.txt", content.add("file", "b/a.txt", b"same"))])
        assert [o.error for o in outcomes] == [None, None]
        assert content.opened == ["a.txt"]

    @pytest.mark.parametrize("after", [b"longer than planned", b"s", b""], ids=["longer", "shorter", "empty"])
    def test_a_file_that_changed_since_the_plan_fails_alone(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create, after: bytes
    ) -> None:
        drafts = [draft(f"{n}.txt", content.add("file", f"{n}.txt", b"planned%d" % n)) for n in range(3)]
        content.files["1.txt"] = after
        assert [type(o.error) for o in create(drafts)] == [type(None), SourceError, type(None)]
        assert [unit.key for unit in listed(provider, collection)] == ["0.txt", "2.txt"]

    def test_large_files_arrive_whole_and_every_byte_counts_once(
        self, provider: Provider, collection: Found, content: MemoryContent
    ) -> None:
        large = content.add("file", "large.bin", bytes(range(256)) * 4096 * 70)
        sent: list[int] = []
        [outcome] = provider.create_units(collection.remote_id, [draft("large.bin", large)], content, sent.append)
        [unit] = provider.read_units(listed(provider, collection))
        assert (outcome.error, unit.checksums, sum(sent)) == (None, {"file": hexes(large)}, large.size_bytes)

    def test_an_empty_file_is_refused(self, content: MemoryContent, create: Create) -> None:
        assert isinstance(create([draft("a.txt", content.add("file", "a.txt", b""))])[0].error, Invalid)

    def test_list_units_of_many_pages_gives_each_once(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        keys = sorted(f"{'ab'[n % 2]}/{n:03}.txt" for n in range(130))
        assert not [o for o in create([draft(k, content.add("file", k, k.encode())) for k in keys]) if o.error]
        assert sorted(unit.key or "" for unit in listed(provider, collection)) == keys

    @pytest.mark.parametrize(
        ("change", "version", "reason"),
        [
            ({}, False, "nothing"),
            ({"meta": {"age": 5}, "drop": ("site",)}, False, "metadata"),
            ({"key": "other/b.txt"}, False, "its place"),
            ({"attributes": {"description": "d", "contentType": "text/x-odd"}}, False, "attributes"),
            ({"content": b"other"}, True, "its bytes"),
        ],
    )
    def test_edit_changes_what_it_says_and_makes_versions_of_bytes_alone(
        self,
        provider: Provider,
        collection: Found,
        content: MemoryContent,
        create: Create,
        change: dict[str, JSON],
        version: bool,
        reason: str,
    ) -> None:
        file = content.add("file", "a.txt", b"one")
        [made] = create([draft("a.txt", file, meta={"age": 4, "site": "s"})])
        [before] = provider.read_units(listed(provider, collection))
        key, bytes_now = change.pop("key", "a.txt"), change.pop("content", b"one")
        now = content.add("file", "now.txt", bytes_now)
        edit = UnitEdit(made.remote_id or "", SCANS.row(key), **{"meta": before.meta, "files": (now,), **change})
        [outcome] = provider.update_units(collection.remote_id, [edit], content)
        [after] = provider.read_units(listed(provider, collection))
        assert (outcome.error, after.remote_id, after.key) == (None, made.remote_id, key), reason
        assert (after.checksums, after.meta) == ({"file": hexes(now)}, edit.meta), reason
        assert all(after.attributes[name] == value for name, value in edit.attributes.items()), reason
        assert (after.attributes["versionLabel"] != before.attributes["versionLabel"]) == version, reason
        assert (after.token == before.token) == (not change and key == "a.txt" and not version), reason

    def test_edit_of_one_that_is_gone_fails_it_alone(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [made] = create([draft("a.txt", content.add("file", "a.txt", b"a"))])
        edits = [
            UnitEdit("syn987654", SCANS.row("gone.txt"), {}),
            UnitEdit(made.remote_id or "", SCANS.row("a.txt"), {"n": 1}),
        ]
        gone, kept = provider.update_units(collection.remote_id, edits, content)
        assert (isinstance(gone.error, BackendError), kept.error) == (True, None)

    def test_provenance_equal_but_for_filled_in_versions_is_not_written(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [origin] = create([draft("in.txt", content.add("file", "in.txt", b"in"))])
        declared = {"provenance": {"name": "n", "used": [origin.remote_id, "https://a.b/c"]}}
        [made] = create([draft("out.txt", content.add("file", "out.txt", b"out"), attributes=declared)])
        edit = UnitEdit(made.remote_id or "", SCANS.row("out.txt"), {}, attributes=declared)
        [outcome] = provider.update_units(collection.remote_id, [edit], content)
        assert outcome.token == made.token
        activities = [(found.attributes or {}).get("provenance") for found in (outcome, made)]
        assert activities[0] is not None
        assert activities[0] == activities[1]

    def test_external_files_are_links_that_can_change(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        [made] = create([draft("a.txt", attributes={"externalURL": "https://a.b/1"})])
        edit = UnitEdit(made.remote_id or "", SCANS.row("a.txt"), {}, attributes={"externalURL": "https://a.b/2"})
        provider.update_units(collection.remote_id, [edit], content)
        [unit] = provider.read_units(listed(provider, collection))
        assert (unit.attributes["externalURL"], content.opened) == ("https://a.b/2", [])

    def test_delete_repeated_succeeds_and_tidies_folders_of_ours(
        self, provider: Provider, collection: Found, content: MemoryContent, create: Create
    ) -> None:
        outcomes = create([draft(k, content.add("file", k, k.encode())) for k in ("a/b/1.txt", "a/2.txt", "3.txt")])
        doomed = {o.key: o.remote_id or "" for o in outcomes[:2]}
        first, second = provider.delete_units(doomed), provider.delete_units(doomed)
        provider.tidy_units(collection.remote_id)
        assert [o.error for o in (*first, *second)] == [None] * 4
        assert [unit.key for unit in listed(provider, collection)] == ["3.txt"]
        assert provider.dependents(LAB, collection.remote_id).units == 1


def draft(
    key: str,
    *files: FileRef,
    meta: Mapping[str, JSON] | None = None,
    adopt: bool = False,
    attributes: Mapping[str, JSON] | None = None,
) -> UnitDraft:
    """A file to create."""
    return UnitDraft(SCANS.row(key), files, meta or {}, adopt=adopt, attributes=attributes or {})


def listed(provider: Provider, collection: Found) -> list[ObservedUnit]:
    """All files, by key."""
    listing = provider.list_units(collection.remote_id)
    assert not isinstance(listing, NotModified)
    return sorted((unit for page in listing.pages for unit in page), key=lambda unit: unit.key or "")


def hexes(file: FileRef) -> str:
    """The checksum of a file."""
    return file.checksum.hex if file.checksum else ""
