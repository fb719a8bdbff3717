"""Windows' names of shares as URLs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.destinations.opening import open_destination
from reconciler.errors import ConfigError, MissingExtra
from reconciler.filesystems.unc import unc_url
from reconciler.model.resource import SourceLocation
from reconciler.sources import survey
from tests.unit.sources.conftest import ws

__all__ = ["ws"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths of the system itself there")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (r"\\nas\scans\2026", "smb://nas/scans/2026"),
        (r"\\nas\scans" + "\\", "smb://nas/scans"),
        (r"\\nas\my scans/50%", "smb://nas/my%20scans/50%25"),
        ("//nas/scans", None),
        (r"\nas\scans", None),
        ("smb://nas/scans", None),
    ],
)
def test_path_of_a_share_is_its_url(text: str, url: str | None) -> None:
    assert unc_url(text) == url


@pytest.mark.parametrize("text", [r"\\nas", "\\\\nas\\", r"\\?\C:\x", "\\\\"])
def test_source_without_a_share_is_refused(ws: Any, text: str) -> None:
    with pytest.raises(ConfigError, match="names no share"):
        survey(ws.asset_set(sources=(SourceLocation(text),)), (ws.image,), ())


def test_destination_without_a_share_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no share"):
        open_destination(r"\\nas", folder=Path())


def test_share_without_its_package_names_the_extra(ws: Any) -> None:
    try:
        import smbclient  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match="reconciler\\[smb\\]"):
            survey(ws.asset_set(sources=(SourceLocation(r"\\nas\scans"),)), (ws.image,), ())
    else:
        pytest.skip("the package is installed")
