"""Content rules over the files of an asset set: read once, remembered, told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from reconciler.content.detect import HEAD_BYTES
from reconciler.errors import Problem, Severity, SourceError
from reconciler.model.content import Check, ContentBlock, ContentRule
from reconciler.model.resource import SourceLocation
from reconciler.sources import DigestCache, Verdicts, file_rules, hash_units
from reconciler.sources.decoders import Decoders
from reconciler.sources.verdicts import SHOWN

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
TYPE = ContentRule(Check.TYPE, Severity.ERROR)


def block(*rules: ContentRule, **options: Any) -> tuple[ContentBlock, ...]:
    return (ContentBlock(rules, **options),)


def judge(ws: Any, content: tuple[ContentBlock, ...], cache: DigestCache | None = None, **changes: Any) -> Verdicts:
    asset_set, specifications = ws.asset_set(content=content, **changes), (ws.image,)
    verdicts = Verdicts(file_rules(asset_set, specifications), cache or DigestCache(None), asset_set)
    units = ws.assemble(specifications, **changes).units()
    assert list(hash_units(units, asset_set, "sha1", verdicts._cache, workers=2, verdicts=verdicts))
    verdicts.close()
    return verdicts


def settle(folder: Path) -> None:
    """As if all files had been there for a long time."""
    for path in folder.iterdir():
        os.utime(path, ns=(1_000_000_001, 1_000_000_001))


def overwrite(path: Path, content: bytes) -> None:
    """Change bytes behind the cache's back: size, time and inode stay."""
    found = path.stat()
    with open(path, "r+b") as stream:
        stream.write(content)
    os.utime(path, ns=(found.st_mtime_ns, found.st_mtime_ns))


def summaries(problems: list[Problem]) -> list[str]:
    return [problem.summary for problem in problems]


def test_refused_file_is_told_with_all_that_helps(ws: Any) -> None:
    ws.write("data/a.png", PNG)
    ws.write("data/b.png", "no picture")
    (problem,) = judge(ws, block(TYPE)).refused
    assert str(problem) == (
        "data/b.png: image_1 of unit 'b' breaks content.type: text\n"
        "  Allowed: png for .png.\n"
        "  fix: repair or rename the file; or list its path in content.type.allow"
    )


def test_warning_does_not_refuse(ws: Any) -> None:
    ws.write("data/b.png", "no picture")
    found = judge(ws, block(ContentRule(Check.TYPE, Severity.WARNING)))
    assert (len(found.refused), len(found.warned)) == (0, 1)
    assert found.notes == ["1 file breaks content.type (warning)"]


@pytest.mark.parametrize(
    "content",
    [
        block(ContentRule(Check.TYPE, Severity.ERROR, allow=("**/b.*",))),
        block(TYPE, allow=("b.png",)),
        block(TYPE, specifications={"image_1": (ContentRule(Check.TYPE, None),)}),
    ],
    ids=["rule", "block", "off"],
)
def test_allowed_file_is_not_told(ws: Any, content: tuple[ContentBlock, ...]) -> None:
    ws.write("data/b.png", "no picture")
    assert judge(ws, content).refused == []


def test_allow_list_that_is_no_glob_is_an_error(ws: Any) -> None:
    with pytest.raises(SourceError, match=r"content\.type\.allow: unbalanced"):
        file_rules(ws.asset_set(content=block(TYPE, allow=("{a",))), (ws.image,))


def test_many_findings_are_counted(ws: Any) -> None:
    for number in range(SHOWN + 5):
        ws.write(f"data/{number:03}.png", "no picture")
    refused = judge(ws, block(TYPE)).refused
    assert len(refused) == SHOWN + 1
    assert refused[-1].summary == "5 more files break content.type and are not listed"


def test_verdict_of_unchanged_file_is_remembered(ws: Any, tmp_path: Path) -> None:
    """Bad bytes replace good ones behind the cache's back: they would be seen if they were read."""
    ws.write("data/a.png", PNG)
    settle(ws.root / "data")
    cache = DigestCache(tmp_path / "cache.db")
    assert judge(ws, block(TYPE), cache).refused == []
    overwrite(ws.root / "data/a.png", b"no picture")
    assert judge(ws, block(TYPE), cache).refused == []


def test_remembered_breach_is_told_again_as_the_rule_is_now(ws: Any) -> None:
    ws.write("data/a.png", "no picture")
    settle(ws.root / "data")
    cache = DigestCache(None)
    judge(ws, block(TYPE), cache)
    overwrite(ws.root / "data/a.png", PNG[:10])
    found = judge(ws, block(ContentRule(Check.TYPE, Severity.WARNING)), cache)
    assert summaries(found.warned) == ["image_1 of unit 'a' breaks content.type: text"]


def test_new_rule_looks_at_files_whose_checksum_is_known(ws: Any) -> None:
    ws.write("data/a.png", "no picture")
    settle(ws.root / "data")
    cache = DigestCache(None)
    judge(ws, (), cache)
    assert len(judge(ws, block(TYPE), cache).refused) == 1


def test_changed_file_is_judged_again(ws: Any) -> None:
    ws.write("data/a.png", PNG)
    settle(ws.root / "data")
    cache = DigestCache(None)
    judge(ws, block(TYPE), cache)
    ws.write("data/a.png", "no picture")
    assert len(judge(ws, block(TYPE), cache).refused) == 1


def test_missing_decoder_is_told_once_with_a_count(ws: Any) -> None:
    for name in "abc":
        ws.write(f"data/{name}.png", PNG)
    asset_set = ws.asset_set(content=block(ContentRule(Check.DECODING, Severity.ERROR)))
    rules = file_rules(asset_set, (ws.image,))
    verdicts = Verdicts(type(rules)(rules.specifications, Decoders()), DigestCache(None), asset_set)
    list(
        hash_units(ws.assemble((ws.image,)).units(), asset_set, "sha1", DigestCache(None), workers=1, verdicts=verdicts)
    )
    verdicts.close()
    reason = "Pillow is not installed: pip install 'reconciler[images]'"
    assert summaries(verdicts.warned) == [f"content.decoding was not checked for 3 files: {reason}"]


def test_truncated_picture_cannot_be_decoded(ws: Any) -> None:
    image = pytest.importorskip("PIL.Image")
    ws.write("data/good.png")
    image.effect_noise((64, 64), 50).save(ws.root / "data/good.png")
    ws.write("data/half.png", (ws.root / "data/good.png").read_bytes()[:1500])
    found = judge(ws, block(ContentRule(Check.DECODING, Severity.ERROR)))
    assert summaries(found.refused) == ["image_1 of unit 'half' breaks content.decoding: Pillow cannot decode it"]


class Counted(fsspec.get_filesystem_class("memory")):  # type: ignore[misc]
    """Files in memory that count the bytes they give."""

    protocol = "counted"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    given = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.replace("counted://", "memory://"))
        return stripped

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        content: bytes = self.store[self._strip_protocol(path)].getvalue()[start:end]
        Counted.given += len(content)
        return content

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode == "rb":
            Counted.given += self.info(path)["size"]
        return super().open(path, mode, **options)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        return {**super().info(path, **options), "ETag": "one"}

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        found = super().ls(path, detail=detail, **options)
        return [{**item, "ETag": "one"} for item in found] if detail else found


@pytest.fixture
def counted() -> Iterator[type[Counted]]:
    fsspec.register_implementation("counted", Counted, clobber=True)
    Counted.store.clear()
    yield Counted
    Counted.store.clear()


def test_known_remote_file_is_looked_at_by_its_head_alone(ws: Any, counted: Any) -> None:
    counted().pipe_file("/data/a.png", PNG + bytes(500_000))
    sources, cache = (SourceLocation("counted://data"),), DigestCache(None)
    judge(ws, (), cache, sources=sources)
    counted.given = 0
    judge(ws, block(TYPE), cache, sources=sources)
    assert counted.given == HEAD_BYTES
    judge(ws, block(TYPE), cache, sources=sources)
    assert counted.given == HEAD_BYTES


@pytest.mark.parametrize(
    ("program", "local", "found", "reason"),
    [
        ("true", "/film.mp4", None, "the program says that it can be decoded"),
        ("false", "/film.mp4", "ffmpeg cannot decode it", "the program says that it cannot"),
        ("true", None, "ffmpeg decodes files of this machine only", "a remote file"),
        ("gone", "/film.mp4", "the program ffmpeg is not there", "nobody installed it"),
    ],
)
def test_video_is_what_the_decoder_says(program: str, local: str | None, found: str | None, reason: str) -> None:
    """Two programs that only succeed or fail stand for the decoder."""
    flaw = Decoders("", shutil.which(program) or "").flaw("mp4", b"", 1000, local)
    assert (flaw.found if flaw else None) == found, reason


def test_video_is_decoded_by_ffmpeg(tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if not ffmpeg:
        pytest.skip("the program ffmpeg is not there")
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(500))
    flaw = Decoders("", ffmpeg).flaw("mp4", b"", 500, str(tmp_path / "a.mp4"))
    assert flaw is not None
    assert flaw.found == "ffmpeg cannot decode it"
