"""The fake must keep the contract, or tests that use it prove nothing."""

import pytest

from reconciler.testing.memory import MemoryProvider
from reconciler.testing.provider import AnnotationContract, ResourceContract


class _Stranger:
    def __init__(self, provider):
        self._provider = provider

    def set_collection_meta(self, remote_id, key, value):
        fields = self._provider.objects[remote_id].fields
        fields["meta"] = {**(fields.get("meta") or {}), key: value}

    def set_unit_meta(self, remote_id, key, value):
        self._provider.units[remote_id].meta[key] = value

    def drop_marker(self, remote_id):
        self._provider.units[remote_id].owner = None

    def rename_collection(self, remote_id, title):
        there = self._provider.objects[remote_id]
        there.fields = {**there.fields, "title": title}

    def create_collection(self, title):
        return self._provider.add_object("Collection", {"title": title, "meta": {}}).remote_id


class TestMemory(ResourceContract, AnnotationContract):
    @pytest.fixture
    def provider(self):
        return MemoryProvider()

    @pytest.fixture
    def stranger(self, provider):
        return _Stranger(provider)
