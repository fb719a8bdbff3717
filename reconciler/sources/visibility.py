"""Whether a worker of a cluster sees the local folders that the driver sees."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.resource import AssetSet
from reconciler.sources.location import Place, locate


def check_visible(places: Sequence[Place]) -> None:
    """Raise SourceError for local folders that are not on this machine; called on workers, before anything is read.

    Without it every single file would be told as gone, though none is.
    """
    hidden = [place for place in places if place.is_local and not os.path.isdir(place.path)]
    if hidden:
        raise SourceError([_hidden(place) for place in hidden])


def check_sources_visible(asset_set: AssetSet) -> None:
    """The same for all sources of an asset set."""
    check_visible([locate(source.url, asset_set.head.folder, source.options) for source in asset_set.sources])


def _hidden(place: Place) -> Problem:
    what = f"source {place.shown!r} is not on worker {platform.node()}"
    detail = "Workers read sources themselves, and a local path means their own disk."
    fix = "mount it under the same path on every worker, name a remote source, or use --executor local"
    return Problem(what, Location(place.shown), detail, fix)
