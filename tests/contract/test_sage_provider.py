"""The Sage provider keeps the contract of providers whose units are known by their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.workspace import BackendSettings
from reconciler.testing.content import MemoryContent
from reconciler.testing.places import PlaceContract, draft, listed
from tests.support.sage_server import SageServer


class TestSage(PlaceContract):
    @pytest.fixture
    def server(self, tmp_path):
        server = SageServer(tmp_path / "server")
        yield server
        server.close()

    @pytest.fixture
    def provider(self, server):
        provider, close = server.open(BackendSettings("lab", "embedded", {"dialect": "sage"}), Path(), 4)
        yield provider
        close()

    def test_upload_that_was_cut_goes_on_with_the_missing_parts(self, server, provider, collection):
        content = MemoryContent("md5")
        large = content.add("file", "large.bin", bytes(range(256)) * 4096 * 40)  # 5 parts
        adds = []

        def fail_third(_method, path, _body):
            adds.extend([path] if "/add/" in path else [])
            return (400, "no") if len(adds) == 3 and "/add/" in path else None

        server.before = fail_third
        unit = draft("large.bin", large)
        [failed] = provider.create_units(collection.remote_id, [unit], content, lambda _: None)
        server.before, server.sent_bytes = (lambda *_: None), 0
        [done] = provider.create_units(collection.remote_id, [unit], content, lambda _: None)
        assert (failed.error is not None, done.error) == (True, None)
        assert server.sent_bytes == large.size_bytes - 2 * 8 * 1024 * 1024

    def test_part_that_was_damaged_is_sent_again(self, tmp_path, server, provider, collection):
        content = MemoryContent("md5")
        damaged = []

        def damage(_method, path, _body):
            if "/add/" in path and not damaged:
                damaged.append(path)
                [part] = (tmp_path / "server" / "staging").rglob("*")
                part.write_bytes(b"damaged")

        server.before = damage
        unit = draft("a.txt", content.add("file", "a.txt", b"whole"))
        [done] = provider.create_units(collection.remote_id, [unit], content, lambda _: None)
        assert done.error is None

    def test_create_whose_answer_was_lost_is_found_again(self, server, provider, collection):
        content = MemoryContent("md5")
        server.lose_answer_to = "/entity/bundle2/create"
        unit = draft("a.txt", content.add("file", "a.txt", b"a"), meta={"age": 4})
        [done] = provider.create_units(collection.remote_id, [unit], content, lambda _: None)
        assert (done.error, done.adopted, len(listed(provider, collection))) == (None, True, 1)

    def test_folder_whose_name_a_file_has_fails_the_file_below(self, provider, collection):
        content = MemoryContent("md5")
        drafts = [draft(key, content.add("file", key, key.encode())) for key in ("a", "a/b.txt")]
        provider.create_units(collection.remote_id, drafts[:1], content, lambda _: None)
        [failed] = provider.create_units(collection.remote_id, drafts[1:], content, lambda _: None)
        assert "'a' is no folder" in str(failed.error)

    def test_refused_token_and_refused_file_are_told_apart(self, server, provider, collection):
        content = MemoryContent("md5")
        unit = draft("a.txt", content.add("file", "a.txt", b"a"))
        errors = []
        for status in (401, 403, 503):
            server.before = lambda _m, path, _b, status=status: (status, "no") if path.endswith("/create") else None
            errors += [o.error for o in provider.create_units(collection.remote_id, [unit], content, lambda _: None)]
        assert [type(error).__name__ for error in errors] == ["Denied", "Invalid", "Transient"]
