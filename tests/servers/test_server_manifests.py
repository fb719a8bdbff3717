"""Manifests whose files lie on real servers: what is known of each, and how many requests that takes."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.resource import ManifestFile, SourceLocation
from reconciler.sources.location import locate
from reconciler.sources.manifest_status import SINGLE, RemoteStatus

MANY = 1_100  # more than one page of an object store


def _names(count: int) -> list[str]:
    return [f"images/{number:04}.png" for number in range(count)]


def test_listing_tells_the_same_of_a_file_as_a_single_request(place: Any, tmp_path: Any) -> None:
    names = _names(SINGLE + 2)
    for name in names:
        place.put(name, name.encode())
    status = RemoteStatus(locate(place.url, tmp_path, place.options))
    single = {name: status.of(name) for name in names[:SINGLE]}
    assert {size for size, *_ in single.values()} == {len(names[0])}
    assert {name: status.of(name) for name in single} == single
    assert status.of(names[-1])[::2] == (len(names[-1]), True)
    with pytest.raises(FileNotFoundError):
        status.of("images/missing.png")
    status.close()


def test_rows_of_a_manifest_on_s3_cost_pages_not_requests(ws: Any, on: Any, tmp_path: Any) -> None:
    place, names = on("s3"), _names(MANY)
    for name in names:
        place.put(name, b"x")
    place.put("m.csv", ("unit,path\n" + "".join(f"{name[7:11]},{name}\n" for name in names)).encode())
    folder = locate(place.url, tmp_path, place.options)
    calls: list[str] = []
    folder.filesystem.s3.meta.events.register("before-send.s3", lambda **told: calls.append(told["event_name"]))
    sources = (SourceLocation(place.url, options=place.options), SourceLocation("/"))
    manifest = ManifestFile(f"{place.url}/m.csv", options=place.options)
    assembly = ws.assemble((ws.image,), manifest=manifest, sources=sources)
    assert assembly.unit_count == MANY
    single = [call for call in calls if call.endswith("HeadObject")]
    pages = [call for call in calls if call.endswith("ListObjectsV2")]
    assert SINGLE <= len(single) <= SINGLE + 2
    assert 2 <= len(pages) <= 5
    assert len(calls) < SINGLE + 15
