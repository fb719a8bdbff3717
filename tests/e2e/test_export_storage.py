"""Exports to a storage of the backend: found when needed, and its credentials written nowhere."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from reconciler.errors import ConfigError, ExitCode, Invalid, MissingExtra
from reconciler.providers.base import StoragePlace
from tests.support.workspace import embedded, make_bench

SECRET = "sk-very-secret-4711"


def bench_with(tmp_path, place):
    """A workspace whose backend has a storage at a place; None leaves the embedded backend's own."""

    def open_backend(settings, root, parallelism):
        provider, close = embedded(settings, root, parallelism)
        if place is not None:
            provider.storage = lambda _: place
        return provider, close

    made = make_bench(tmp_path, open_backend=open_backend)
    made.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="p", assets="pics-2026")
    storage = {"storage": 11, "path": "/exports/train"}
    made.set("Export", "out", target="task", project="p", format="synapse-json", destination=storage)
    return made


def test_export_is_written_kept_up_to_date_and_ended_on_a_storage(tmp_path):
    (tmp_path / "store").mkdir()
    bench = bench_with(tmp_path, StoragePlace(f"file://{tmp_path}/store", {"secret": SECRET}))
    assert bench.apply().exit_code is ExitCode.OK
    published = tmp_path / "store/exports/train"
    assert (published / "images/a.jpg").read_bytes() == (tmp_path / "data/a.jpg").read_bytes()
    assert bench.plan().is_empty
    with bench.session() as session:
        owned = {str(address): row for address, row in session.open_state(read_only=True).resources().items()}
    assert owned["Export/out"].remote_id == "storage:11/exports/train"
    bench.remove("Export", "out")
    assert bench.apply().exit_code is ExitCode.OK
    assert not published.exists()


def test_export_to_a_remote_storage_leaves_its_credentials_nowhere(tmp_path):
    bench = bench_with(tmp_path, StoragePlace("memory://store", {"secret": SECRET}))
    assert bench.apply().exit_code is ExitCode.OK
    assert SECRET not in bench.plan().text
    found = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert found == []


def test_storage_folder_of_another_machine_is_refused_before_anything_is_written(tmp_path):
    bench = bench_with(tmp_path, StoragePlace(f"file://{tmp_path}/elsewhere"))
    with pytest.raises(ConfigError, match="folder of the backend's own machine"):
        bench.plan()
    assert not (tmp_path / "elsewhere").exists()


def test_storage_that_needs_a_package_says_which(tmp_path):
    if find_spec("gcsfs"):
        pytest.skip("the package is installed")
    bench = bench_with(tmp_path, StoragePlace("gs://bucket", {"token": SECRET}))
    with pytest.raises(MissingExtra, match="optional package"):
        bench.plan()


def test_storage_of_the_embedded_backend_is_refused_with_the_reason(tmp_path):
    bench = bench_with(tmp_path, None)
    [storage] = bench.call("GET", "/storages/")
    bench.set("Export", "out", destination={"storage": storage["id"], "path": "x"})
    with pytest.raises(Invalid, match="does not tell the access_key"):
        bench.plan()
