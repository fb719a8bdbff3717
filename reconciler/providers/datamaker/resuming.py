"""How far uploads came, remembered from run to run: the service tells nobody which parts it holds.

What is noted of a checksum is `true` once the service accepted the bytes, else the upload address with what was sent to
it, by part: 0 stands for the whole. Addresses are forgotten when they expire.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.json import JSON
from reconciler.providers.base import TransferNotes
from reconciler.providers.datamaker.envelope import Row

# Smaller files are sent again as fast as they are noted.
NOTED_BYTES = 1024 * 1024
_MARGIN_S = 60


@dataclass(slots=True)
class Upload:
    """One upload under way. slot: as the service handed it out. etags: of what was sent, by part. expires: epoch s."""

    slot: Row = field(repr=False)
    expires: float
    etags: dict[int, str] = field(default_factory=dict)
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of earlier transfers to one place. notes: None remembers nothing. now: epoch seconds."""

    notes: TransferNotes | None
    scope: str
    now: Callable[[], float] = time.time

    def arrived(self, checksums: Collection[str]) -> list[str]:
        """Those that the service accepted earlier; it may have lost them since."""
        found = self.notes.recall(self.scope, checksums) if self.notes else {}
        return [hex for hex, value in found.items() if value is True]

    def uploads(self, checksums: Collection[str]) -> dict[str, Upload]:
        """Uploads that were cut, as long as their addresses are valid."""
        found = self.notes.recall(self.scope, checksums) if self.notes and checksums else {}
        begun = {hex: _upload(value) for hex, value in found.items()}
        soon = self.now() + _MARGIN_S
        return {hex: upload for hex, upload in begun.items() if upload is not None and upload.expires > soon}

    def note_uploads(self, uploads: Mapping[str, Upload]) -> None:
        """Remember how far uploads came, by checksum."""
        if self.notes and uploads:
            self.notes.note(self.scope, {checksum: _noted(upload) for checksum, upload in uploads.items()})

    def note_arrived(self, checksums: Collection[str]) -> None:
        """Remember that the service accepted these."""
        if self.notes:
            self.notes.note(self.scope, dict.fromkeys(checksums, True))

    def forget(self, checksums: Collection[str]) -> None:
        """Send these as if for the first time."""
        if self.notes:
            self.notes.forget(self.scope, checksums)

    def expiry(self, stated: JSON, lifetime_s: int) -> float:
        """When addresses expire that were handed out just now. stated: the service's word, ISO 8601."""
        try:
            return datetime.fromisoformat(str(stated)).timestamp()
        except ValueError:
            return self.now() + lifetime_s


def _noted(upload: Upload) -> JSON:
    etags = {str(part): etag for part, etag in upload.etags.items()}
    return {"slot": upload.slot, "expires": upload.expires, "etags": etags}


def _upload(value: JSON) -> Upload | None:
    if not isinstance(value, dict):
        return None
    return Upload(value["slot"], value["expires"], {int(n): tag for n, tag in value["etags"].items()}, resumed=True)
