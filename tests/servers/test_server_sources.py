"""One population from every kind of server: the same units and bytes as from the disk, and nothing read twice."""

from __future__ import annotations

import hashlib
import io
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import fsspec.spec
import pytest

from reconciler.errors import SourceError
from reconciler.model.resource import FileSpecification, SourceLocation
from reconciler.sources import DigestCache, SourceContent, hash_units, survey
from reconciler.sources.location import locate
from reconciler.sources.remote import list_remote
from reconciler.sources.selection import Selection
from reconciler.sources.shared_listing import list_shared
from tests.support.executors import PicklingExecutor
from tests.support.workspace import COLLECTION, Bench, make_bench

FILES: dict[str, bytes] = {
    "images/001.png": b"one",
    "labels/001.json": b"{}",
    "images/a b.png": b"space",
    "images/50%.png": b"percent",
    "images/no#1.png": b"hash",
    "images/what?.png": b"question",
    "images/x+y&z=1.png": b"plus",
    "images/\u00e9t\u00e9.png": b"composed",
    "images/" + unicodedata.normalize("NFD", "caf\u00e9.png"): b"decomposed",
    "images/\uc790\uc5f0.png": b"korean",
    "images/deep/er/2%20.png": b"looks encoded",
}
_SPECIFICATIONS = tuple(
    FileSpecification(s["name"], s["type"], tuple(s["extensions"]), required=bool(s.get("required")))
    for s in COLLECTION["fileSpecifications"]
)


def bench_over(tmp_path: Path, url: str, options: dict[str, Any]) -> Bench:
    """A workspace whose asset set takes its files from a URL."""
    bench = make_bench(tmp_path)
    source = {"url": url, "options": options} if options else {"url": url}
    bench.set("AssetSet", "pics-2026", source=source, metadata=None)
    return bench


def content_of(asset_set: Any) -> dict[str, tuple[str, bytes]]:
    """Path → SHA-256 as planned, and the bytes as they would be sent."""
    found: dict[str, tuple[str, bytes]] = {}
    units = survey(asset_set, _SPECIFICATIONS, ()).assemble().units()
    content = SourceContent(asset_set)
    for unit in hash_units(units, asset_set, "sha256", DigestCache(None), workers=2):
        for file in unit.files:
            with content.open(file) as stream:
                found[file.path] = (file.checksum.hex, stream.read())
    return found


def files_on(place: Any) -> dict[str, bytes]:
    """The population without names that the server cannot have."""
    return {path: content for path, content in FILES.items() if not set(path) & set(place.forbidden)}


@pytest.fixture
def filled(place: Any) -> Any:
    for path, content in files_on(place).items():
        place.put(path, content)
    return place


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that any file system opened."""
    paths: list[str] = []
    original = fsspec.spec.AbstractFileSystem.open

    def counting(self: Any, path: str, *args: Any, **options: Any) -> Any:
        paths.append(path)
        return original(self, path, *args, **options)

    monkeypatch.setattr(fsspec.spec.AbstractFileSystem, "open", counting)
    return paths


def test_units_and_bytes_are_those_of_the_disk(ws: Any, filled: Any) -> None:
    source = SourceLocation(filled.url, options=filled.options)
    assert content_of(ws.asset_set(sources=(source,))) == {
        path: (hashlib.sha256(content).hexdigest(), content) for path, content in files_on(filled).items()
    }


def test_plan_is_that_of_the_disk_and_is_applied_once(tmp_path: Path, filled: Any) -> None:
    for path, content in files_on(filled).items():
        (tmp_path / "disk/files" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "disk/files" / path).write_bytes(content)
    (tmp_path / "remote").mkdir()
    bench = bench_over(tmp_path / "remote", filled.url, filled.options)
    assert bench.plan().text == bench_over(tmp_path / "disk", "files", {}).plan().text
    assert bench.apply().exit_code == 0
    assert bench.plan().is_empty


def test_second_plan_reads_no_file(tmp_path: Path, filled: Any, opened: list[str]) -> None:
    bench = bench_over(tmp_path, filled.url, filled.options)
    bench.plan()
    first = len(opened)
    bench.plan()
    (tmp_path / ".reconciler/cache/populations.db").unlink()  # leaves what is remembered of single files
    bench.plan()
    assert (first, len(opened)) == (len(files_on(filled)), first)


def test_changed_file_alone_is_read_again(tmp_path: Path, filled: Any, opened: list[str]) -> None:
    bench = bench_over(tmp_path, filled.url, filled.options)
    bench.plan()
    opened.clear()
    filled.put("images/no#1.png", b"changed in size")
    bench.plan()
    assert [path.rpartition("/")[2] for path in opened] == ["no#1.png"]


def test_missing_folder_is_an_error(ws: Any, filled: Any) -> None:
    source = SourceLocation(filled.url + "-missing", options=filled.options)
    with pytest.raises(SourceError, match="does not exist"):
        survey(ws.asset_set(sources=(source,)), _SPECIFICATIONS, ())


def test_file_is_no_folder(ws: Any, filled: Any) -> None:
    source = SourceLocation(f"{filled.url}/images/001.png", options=filled.options)
    with pytest.raises(SourceError, match="is not a folder"):
        survey(ws.asset_set(sources=(source,)), _SPECIFICATIONS, ())


def test_only_the_top_is_listed_when_not_recursive(ws: Any, filled: Any) -> None:
    source = SourceLocation(f"{filled.url}/images", options=filled.options, recursive=False)
    found = content_of(ws.asset_set(sources=(source,)))
    assert len(found) == len(files_on(filled)) - 2
    assert not any("/" in path for path in found)


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in FILES.items():
            archive.writestr(path, content)
    return target.getvalue()


def _tar(name: str = "") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path, content in ({name: b"x"} if name else FILES).items():
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(content), 1_700_000_000
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


@pytest.mark.parametrize(("kind", "content"), [("zip", _zip()), ("tar", _tar())])
def test_archive_is_read_in_place(ws: Any, tmp_path: Path, kind: str, content: bytes) -> None:
    (tmp_path / f"files.{kind}").write_bytes(content)
    found = content_of(ws.asset_set(sources=(SourceLocation(f"{kind}://::files.{kind}"),)))
    assert {path: content for path, (_, content) in found.items()} == FILES


def test_archive_on_a_store_is_read_in_place(ws: Any, on: Any) -> None:
    place = on("s3")
    place.put("files.zip", _zip())
    source = SourceLocation(f"zip://::{place.url}/files.zip", options={"s3": place.options})
    found = content_of(ws.asset_set(sources=(source,)))
    assert {path: content for path, (_, content) in found.items()} == FILES


def test_archive_member_that_leads_out_is_refused(ws: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(_tar("images/../../evil.png"))
    with pytest.raises(SourceError, match="does not name a file below"):
        survey(ws.asset_set(sources=(SourceLocation("tar://::bad.tar"),)), _SPECIFICATIONS, ())


def test_sources_of_one_set_may_lie_on_a_disk_a_store_and_in_an_archive(ws: Any, on: Any, tmp_path: Path) -> None:
    store = on("s3")
    ws.write("images/1.png", b"image")
    store.put("labels/1.json", b"{}")
    with zipfile.ZipFile(tmp_path / "masks.zip", "w") as archive:
        archive.writestr("1.png", b"mask")
    sources = (
        SourceLocation("images", specification="image_1"),
        SourceLocation(f"{store.url}/labels", specification="label_1", options=store.options),
        SourceLocation("zip://::masks.zip", specification="mask_1"),
    )
    asset_set = ws.asset_set(sources=sources)
    (unit,) = survey(asset_set, (ws.image, ws.label, ws.mask), ()).assemble().units()
    content = SourceContent(asset_set)
    found = {}
    for file in next(iter(hash_units([unit], asset_set, "sha256", DigestCache(None), workers=2))).files:
        with content.open(file) as stream:
            found[file.spec] = stream.read()
    assert (unit.key, found) == ("1", {"image_1": b"image", "label_1": b"{}", "mask_1": b"mask"})


def test_listing_that_workers_share_is_that_of_one_process(tmp_path: Path, filled: Any) -> None:
    for number in range(30):
        filled.put(f"cases/{number:03}/1.png", b"x" * number)
    source = SourceLocation(filled.url, options=filled.options)
    place, executor = locate(source.url, tmp_path, source.options), PicklingExecutor(2)
    one, problems = list_remote(place, Selection(source))
    shared, found = list_shared(source, tmp_path, executor)
    assert list(shared.folders()) == list(one.folders())
    assert (shared.hexdigest(), shared.skipped_text(), found) == (one.hexdigest(), one.skipped_text(), problems)
    assert executor.attempts > 1
