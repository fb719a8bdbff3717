"""What every provider must do with the kinds that are one remote object each, as a test class.

    class TestMine(ObjectContract):
        @pytest.fixture(params=[...])
        def sample(self, request, provider): return Sample(desired, {"description": "changed"})
        @pytest.fixture
        def provider(self): ...

What a kind cannot do (`Capabilities.natural`, `by_place`, `fixed`) changes what is expected; it does not skip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from reconciler.errors import Conflict, Invalid
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import indelible
from reconciler.providers.base import Desired, Provider
from reconciler.testing.provider import differences, read


@dataclass(frozen=True, slots=True)
class Sample:
    """An object of a kind. change: fields that get other values. absent: an id of its form that nothing has."""

    desired: Desired
    change: Mapping[str, JSON]
    absent: str = "987654"

    @property
    def address(self) -> Address:
        """Of the object."""
        return self.desired.address

    @property
    def changed(self) -> Desired:
        """The object as it is after the change."""
        return replace(self.desired, fields={**self.desired.fields, **self.change})


def settled(provider: Provider, desired: Desired, observed: Found | None = None) -> Desired:
    """What is declared, in the backend's own terms."""
    return replace(desired, fields=provider.settle(desired, observed).fields)


def is_natural(provider: Provider, sample: Sample) -> bool:
    """Whether the object is nothing beyond what is declared of it."""
    return sample.address.kind in provider.capabilities.natural


def knows_by_marker(provider: Provider, sample: Sample) -> bool:
    """Whether the object says whose it is."""
    return not provider.capabilities.by_place and not is_natural(provider, sample)


class ObjectContract:
    """Objects of any kind: made once, found again, changed in place, deleted."""

    @pytest.fixture
    def provider(self) -> Iterator[Provider]:
        """The provider under test."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self, provider: Provider) -> Sample:
        """What to make; what it refers to is there already."""
        raise NotImplementedError

    @pytest.fixture
    def made(self, provider: Provider, sample: Sample) -> Found:
        return provider.create(settled(provider, sample.desired))

    def test_object_read_back_is_as_declared(self, provider: Provider, sample: Sample, made: Found) -> None:
        found = read(provider, sample.address, made.remote_id)
        assert differences(settled(provider, sample.desired, found), found) == ()

    def test_object_created_twice_is_one(self, provider: Provider, sample: Sample, made: Found) -> None:
        before = len(list(provider.discover(sample.address.kind)))
        desired = settled(provider, sample.desired)
        if knows_by_marker(provider, sample) or is_natural(provider, sample):
            assert provider.create(desired).remote_id == made.remote_id
        else:
            with pytest.raises(Conflict):
                provider.create(desired)
        assert len(list(provider.discover(sample.address.kind))) == before

    def test_object_says_whose_it_is_unless_that_follows_from_itself(
        self, provider: Provider, sample: Sample, made: Found
    ) -> None:
        assert made.owner == (str(sample.address) if knows_by_marker(provider, sample) else None)

    def test_object_is_found_by_what_is_declared(self, provider: Provider, sample: Sample, made: Found) -> None:
        assert [found.remote_id for found in provider.find(sample.desired)] == [made.remote_id]

    def test_object_that_is_not_there_is_absent(self, provider: Provider, sample: Sample) -> None:
        assert provider.find(sample.desired) == ()
        assert provider.read(sample.address, sample.absent) == Absent()

    def test_object_is_discovered(self, provider: Provider, sample: Sample, made: Found) -> None:
        assert made.remote_id in [found.remote_id for found in provider.discover(sample.address.kind)]

    def test_object_changes_in_place(self, provider: Provider, sample: Sample, made: Found) -> None:
        changed = settled(provider, sample.changed, made)
        updated = provider.update(changed, made, differences(changed, made))
        found = read(provider, sample.address, updated.remote_id)
        assert differences(settled(provider, sample.changed, found), found) == ()

    def test_object_changed_by_others_is_a_conflict(self, provider: Provider, sample: Sample, made: Found) -> None:
        changed = settled(provider, sample.changed, made)
        changes = differences(changed, made)
        provider.update(changed, made, changes)
        with pytest.raises(Conflict):
            provider.update(changed, made, changes)

    def test_object_is_deleted_once_and_again_or_never(self, provider: Provider, sample: Sample, made: Found) -> None:
        if indelible(provider.capabilities.fixed.get(sample.address.kind, ())):
            with pytest.raises(Invalid):
                provider.delete(sample.address, made.remote_id)
            assert isinstance(provider.read(sample.address, made.remote_id), Found)
            return
        for _ in range(2):
            provider.delete(sample.address, made.remote_id)
        assert provider.read(sample.address, made.remote_id) == Absent()
