"""Asset sets over a storage of the backend that is a bucket on a real server."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ConfigError
from reconciler.providers.base import StoragePlace
from tests.support.workspace import Bench, embedded, make_bench


def bench_with(tmp_path: Any, place: StoragePlace, purposes: list[str]) -> Bench:
    """A workspace whose backend has a storage at a place; purposes: takes what each access was for."""

    def storage(_: str, purpose: str = "write") -> StoragePlace:
        purposes.append(purpose)
        return place

    def open_backend(settings: Any, root: Any, parallelism: int) -> Any:
        provider, close = embedded(settings, root, parallelism)
        provider.storage = storage  # type: ignore[attr-defined]
        return provider, close

    bench = make_bench(tmp_path, open_backend=open_backend)
    bench.set("AssetSet", "pics-2026", source={"storage": 11, "path": "/scans"}, metadata=None)
    return bench


def test_units_of_a_storage_are_sent_once_and_its_secrets_kept_nowhere(tmp_path: Any, on: Any) -> None:
    place, purposes = on("s3"), []
    place.put("scans/1.png", b"one")
    place.put("scans/1.json", b"{}")
    bench = bench_with(tmp_path, StoragePlace(place.url, place.options), purposes)
    assert bench.apply().exit_code == 0
    assert bench.plan().is_empty
    assert set(purposes) == {"read"}
    secret = place.options["secret"].encode()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()] == []


def test_storage_folder_of_another_machine_is_refused(tmp_path: Any) -> None:
    bench = bench_with(tmp_path, StoragePlace(f"file://{tmp_path}/elsewhere"), [])
    with pytest.raises(ConfigError, match="folder of the backend's own machine"):
        bench.plan()


def test_storage_folder_that_is_mounted_here_is_read(tmp_path: Any) -> None:
    (tmp_path / "mounted/scans").mkdir(parents=True)
    (tmp_path / "mounted/scans/1.png").write_bytes(b"one")
    bench = bench_with(tmp_path, StoragePlace(f"file://{tmp_path}/mounted"), [])
    assert list(bench.plan().rows["AssetSet/pics-2026"]) == ["1"]


def test_path_that_leaves_the_storage_is_refused(tmp_path: Any) -> None:
    bench = bench_with(tmp_path, StoragePlace(f"file://{tmp_path}"), [])
    bench.set("AssetSet", "pics-2026", source={"storage": 11, "path": "../x"})
    with pytest.raises(ConfigError, match="does not name a folder on the storage"):
        bench.plan()
