"""`explore` over servers and archives: what it prints plans as it is, and large buckets are sampled."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from reconciler.sources import explore

_FILES = {
    f"{folder}/{n}.{suffix}": b"%d" % n for folder, suffix in (("images", "png"), ("labels", "json")) for n in range(9)
}


def _run(folder: Path, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", "from reconciler.cli.main import run; run()", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in _FILES.items():
            archive.writestr(path, content)
    return target.getvalue()


@pytest.mark.parametrize("name", ["s3", "sftp", "smb", "nginx", "zip on s3"])
def test_printed_documents_plan_as_they_are(tmp_path: Path, on: Any, name: str) -> None:
    place = on(name.rpartition(" ")[2])
    for path, content in _FILES.items():
        place.put(path, content)
    url, prefix = place.url, ""
    if name == "zip on s3":
        place.put("all.zip", _zip())
        url, prefix = f"zip://::{place.url}/all.zip", "s3."
    given = {key: value[0] if isinstance(value, list) else value for key, value in place.options.items()}
    options = [text for key, value in given.items() for text in ("--option", f"{prefix}{key}={value}")]
    secret = {key: value for key, value in given.items() if key in ("secret", "password")}
    printed = _run(tmp_path, "explore", url, *options, **{f"OF_{key}".upper(): value for key, value in secret.items()})
    assert not any(value in printed for value in secret.values())
    (tmp_path / "assets.yaml").write_text(printed, "utf-8")
    environment = {f"OF_{key}".upper(): value for key, value in secret.items()}
    environment |= {"RECONCILER_SOURCE_KEY": given.get("key", "")}
    assert "9 to add" in _run(tmp_path, "plan", **environment)


def test_large_bucket_is_sampled_by_branches(on: Any) -> None:
    place = on("s3")
    for n in range(300):
        place.put(f"large/images/{n:04}.png", b"1")
        place.put(f"large/labels/{n:04}.json", b"{}")
    found = explore(f"{place.url}/large", options=place.options, limit=200)
    assert (found.is_complete, found.file_count, found.layouts[0].layout) == (False, 200, "stems")
    assert found.layouts[0].complete == found.layouts[0].units == 100
