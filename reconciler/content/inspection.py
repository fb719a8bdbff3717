"""Takes the bytes of one file as they pass by, and keeps those that its rules need. Pure, and bounded in memory."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.content.credentials import CredentialScan
from reconciler.content.detect import HEAD_BYTES, Detected, detect
from reconciler.content.dicom import HEADER_BYTES, needs_more
from reconciler.content.judging import DECODED, NOTHING, SEARCHED_BYTES, Breach, Seen, Subject, judge
from reconciler.content.pictures import dimensions
from reconciler.content.text import is_text
from reconciler.model.content import Check, ContentRule

# Of one file, at most so much is kept in memory, for what needs the whole file.
KEPT_BYTES = 32 * 1024 * 1024
# Where the size of a picture may stand behind long other blocks, or at the end.
_PICTURE_HEADERS = {"jpeg": 1024 * 1024, "tiff": KEPT_BYTES}


class Inspection:
    """One file under the rules. `feed` it from the start while `wants_more`, then `finish`.

    head: the bytes that were kept, from the start of the file.
    """

    def __init__(self, rules: Mapping[Check, ContentRule], subject: Subject) -> None:
        self._rules = rules
        self._subject = subject
        self._parts: list[bytes] = []
        self._held = self._seen = 0
        self._needed = HEAD_BYTES if rules.keys() - {Check.SIZE, Check.BLANK} else 0
        self._is_blank = Check.BLANK in rules
        self._scan = CredentialScan()
        self._is_searching = Check.CREDENTIALS in rules
        self._detected: Detected | None = None

    @property
    def wants_more(self) -> bool:
        """False when further bytes would change nothing."""
        return self._held < self._needed or self._is_blank or self._is_searching

    @property
    def head(self) -> bytes:
        """The bytes that were kept, from the start of the file."""
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    @property
    def detected(self) -> Detected:
        """The format of the file, as far as `head` tells it."""
        if self._detected is None:
            self._detected = detect(self.head)
        return self._detected

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        if self._is_searching and not self._seen:
            self._is_searching = is_text(chunk)
        self._seen += len(chunk)
        if self._held < self._needed:
            self._parts.append(chunk)
            self._held += len(chunk)
            if self._held >= self._needed:
                self._needed = self._need()
        if self._is_blank and chunk.strip(NOTHING):
            self._is_blank = False
        if self._is_searching:
            self._scan.feed(chunk)
            self._is_searching = self._seen < SEARCHED_BYTES

    def _need(self) -> int:
        """How many bytes from the start are needed, now that the first ones are known."""
        size, found = self._subject.size_bytes, self.detected.format
        if size <= self._held:
            return self._held
        if Check.DECODING in self._rules and found in DECODED and size <= KEPT_BYTES:
            return size
        if found == "dicom" and self._rules.keys() & {Check.IDENTITY, Check.DIMENSIONS} and needs_more(self.head):
            return min(HEADER_BYTES, size)
        if Check.DIMENSIONS in self._rules and not dimensions(found, self.head):
            return min(_PICTURE_HEADERS.get(found, 0), size)
        return 0

    def finish(self) -> tuple[Breach, ...]:
        """What is wrong, in the order of the rules."""
        seen = Seen(
            self._subject,
            self.head,
            self.detected if self._held else Detected(""),
            self._held == self._subject.size_bytes,
            self._is_blank and self._seen > 0,
            tuple(self._scan.found),
        )
        return judge(seen, self._rules)
