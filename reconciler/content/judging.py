"""Judges what was seen of a file by the rules for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.content.containers import gunzip_head
from reconciler.content.credentials import Credential
from reconciler.content.detect import Detected
from reconciler.content.dicom import HEADER_BYTES, read_header
from reconciler.content.dicom_tags import IDENTIFYING, IDENTITY_REMOVED, tag_name, tag_numbers
from reconciler.content.executables import executable
from reconciler.content.expected import allowed_formats, fits
from reconciler.content.pictures import MEASURED, dimensions
from reconciler.model.content import Check, ContentRule

# Raise when a detector changes what it says, so that remembered verdicts are not used.
VERSION = 1
# Text beyond this is not searched for credentials.
SEARCHED_BYTES = 64 * 1024 * 1024
# What a file is blank of.
NOTHING = b"\0 \t\r\n\v\f"
# Pictures that decoders are asked about, as a whole and from memory.
DECODED = frozenset({"png", "jpeg", "gif", "bmp", "tiff", "webp"})


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a file does not meet. found, allowed: for people; never text out of the file, which may be secret.

    is_unchecked: nothing is known, because of what `found` says.
    """

    check: Check
    found: str
    allowed: str = ""
    is_unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a file beforehand. extension: lower case with dot, compound ones whole; "" for none."""

    file_type: str
    extension: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a file in the end. head: its first bytes, b"" when no rule needed them; is_whole: all of it."""

    subject: Subject
    head: bytes
    detected: Detected
    is_whole: bool
    is_blank: bool
    credentials: tuple[Credential, ...]


def judge(seen: Seen, rules: Mapping[Check, ContentRule]) -> tuple[Breach, ...]:
    """What is wrong with a file, in the order of the rules. Decoding is left to who has a decoder."""
    judged = ((check, rule) for check, rule in rules.items() if check is not Check.DECODING)
    return tuple(breach for check, rule in judged for breach in _JUDGES[check](seen, rule))


def _size(seen: Seen, rule: ContentRule) -> Iterator[Breach]:
    size, least, most = seen.subject.size_bytes, rule.limits.get("min"), rule.limits.get("max")
    if least is not None and size < least:
        yield Breach(Check.SIZE, f"{size:,} bytes", f"at least {least:,} bytes")
    if most is not None and size > most:
        yield Breach(Check.SIZE, f"{size:,} bytes", f"at most {most:,} bytes")


def _blank(seen: Seen, _: ContentRule) -> Iterator[Breach]:
    if seen.is_blank:
        yield Breach(Check.BLANK, "nothing but zero bytes or white space", "content")


def _type(seen: Seen, _: ContentRule) -> Iterator[Breach]:
    subject, found = seen.subject, seen.detected
    if seen.head and not fits(found, subject.file_type, subject.extension):
        allowed = allowed_formats(subject.file_type, subject.extension) or frozenset()
        inner = f" of {found.inner}" if found.inner else ""
        reason = f"for {subject.extension}" if subject.extension else f"for type {subject.file_type}"
        yield Breach(Check.TYPE, f"{found.format}{inner}", f"{', '.join(sorted(allowed))} {reason}")


def _executables(seen: Seen, _: ContentRule) -> Iterator[Breach]:
    if kind := executable(seen.head):
        yield Breach(Check.EXECUTABLES, f"a program ({kind})", "data")


def _credentials(seen: Seen, _: ContentRule) -> Iterator[Breach]:
    for credential in seen.credentials:
        yield Breach(Check.CREDENTIALS, f"{credential.kind} in line {credential.line:,}", "no credentials")


def _identity(seen: Seen, rule: ContentRule) -> Iterator[Breach]:
    data, is_whole = seen.head, seen.is_whole
    if seen.detected == Detected("gzip", "dicom"):
        data = gunzip_head(data, HEADER_BYTES)
        is_whole = is_whole and len(data) < HEADER_BYTES
    elif seen.detected.format not in ("dicom", "bare-dicom"):
        return
    header = read_header(data, is_whole=is_whole)
    wanted = tag_numbers(IDENTIFYING if rule.tags is None else rule.tags) - tag_numbers(rule.keep)
    filled = {attribute.tag for attribute in header.attributes if attribute.value.strip(NOTHING)} & wanted
    removed = any(a.tag == IDENTITY_REMOVED and a.value.strip(NOTHING) == b"YES" for a in header.attributes)
    if filled and not (removed and rule.accept_deidentified):
        names = ", ".join(tag_name(tag) for tag in sorted(filled))
        yield Breach(Check.IDENTITY, names, "these attributes empty or absent")
    if not header.is_complete:
        reason = "the DICOM header is damaged, or longer than 4 MiB"
        yield Breach(Check.IDENTITY, reason, is_unchecked=True)


def _dimensions(seen: Seen, rule: ContentRule) -> Iterator[Breach]:
    found = seen.detected.format
    if found not in MEASURED:
        return
    size = dimensions(found, seen.head)
    if size is None and found == "dicom" and read_header(seen.head, is_whole=seen.is_whole).is_complete:
        return  # a plan or a report: no picture
    if size is None:
        yield Breach(Check.DIMENSIONS, f"a {found} file does not show its size", is_unchecked=True)
    elif allowed := ", ".join(_outside(size, rule.limits)):
        yield Breach(Check.DIMENSIONS, f"{size[0]:,} x {size[1]:,} pixels", allowed)


def _outside(size: tuple[int, int], limits: Mapping[str, int]) -> Iterator[str]:
    for name, value in zip(("Width", "Height"), size, strict=True):
        least, most = limits.get(f"min{name}"), limits.get(f"max{name}")
        if least is not None and value < least:
            yield f"at least {least:,} pixels in {name.lower()}"
        if most is not None and value > most:
            yield f"at most {most:,} pixels in {name.lower()}"


_JUDGES: Mapping[Check, Callable[[Seen, ContentRule], Iterator[Breach]]] = {
    Check.SIZE: _size,
    Check.BLANK: _blank,
    Check.TYPE: _type,
    Check.EXECUTABLES: _executables,
    Check.CREDENTIALS: _credentials,
    Check.IDENTITY: _identity,
    Check.DIMENSIONS: _dimensions,
}
