"""Decoders that may be there, and whether they can decode a file: Pillow for pictures, ffmpeg for video and sound."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from reconciler.content.inspection import KEPT_BYTES
from reconciler.content.judging import DECODED, Breach
from reconciler.content.pictures import dimensions
from reconciler.model.content import Check

# A picture of more pixels is not unpacked: a small file may claim any number.
_MOST_PIXELS = 80_000_000
# Of a video or a recording, so much is decoded, in at most so much time.
_DECODED_S, _TIMEOUT_S = 10, 60
_STREAMS = frozenset(
    {
        "mp4", "quicktime", "avi", "matroska", "webm", "asf", "flv", "mpeg-video", "ogg-video", "wav", "mp3", "flac",
        "ogg", "m4a", "aac", "aiff", "au", "amr",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoders:
    """pillow: its version, "" when it is not installed. ffmpeg: path of the program, "" when there is none."""

    pillow: str = ""
    ffmpeg: str = ""

    @property
    def name(self) -> str:
        """Text that changes when other decoders are found."""
        return f"{self.pillow} {bool(self.ffmpeg)}"

    def flaw(self, format_name: str, head: bytes, size_bytes: int, local: str | None) -> Breach | None:
        """Why a file cannot be decoded, or why that is not known; None for what can be, and for other formats.

        head: the whole file, for pictures of up to `KEPT_BYTES`. local: its path on this machine.
        """
        if format_name in DECODED:
            return self._picture(format_name, head, size_bytes)
        return self._stream(local) if format_name in _STREAMS else None

    def _picture(self, format_name: str, content: bytes, size_bytes: int) -> Breach | None:
        size = dimensions(format_name, content)
        if not self.pillow:
            return _unchecked("Pillow is not installed: pip install 'reconciler[images]'")
        if len(content) < size_bytes:
            return _unchecked(f"pictures of more than {KEPT_BYTES >> 20} MiB are not decoded")
        if size and size[0] * size[1] > _MOST_PIXELS:
            return _unchecked(f"pictures of more than {_MOST_PIXELS:,} pixels are not decoded")
        return _broken("Pillow cannot decode it") if size is None or not _is_picture(content) else None

    def _stream(self, local: str | None) -> Breach | None:
        if not self.ffmpeg:
            return _unchecked("the program ffmpeg is not there")
        if local is None:
            return _unchecked("ffmpeg decodes files of this machine only")
        import subprocess

        # Nothing but this file: some formats name others, on disk or in the network, which would be opened.
        command = [self.ffmpeg, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe"]
        command += ["-t", str(_DECODED_S), "-i", f"file:{local}", "-f", "null", "-"]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return _unchecked(f"ffmpeg took more than {_TIMEOUT_S} s")
        except OSError:
            return _unchecked("ffmpeg cannot be run")
        return _broken("ffmpeg cannot decode it") if ended.returncode else None


def find_decoders() -> Decoders:
    """What is installed here."""
    import importlib.util
    import shutil
    from importlib import metadata

    pillow = metadata.version("pillow") if importlib.util.find_spec("PIL") else ""
    return Decoders(pillow, shutil.which("ffmpeg") or "")


def _is_picture(content: bytes) -> bool:
    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as picture:
            picture.load()
    except Exception:  # noqa: BLE001 - its plug-ins raise whatever the bytes make them raise
        return False
    return True


def _unchecked(reason: str) -> Breach:
    return Breach(Check.DECODING, reason, is_unchecked=True)


def _broken(what: str) -> Breach:
    return Breach(Check.DECODING, what, "files that can be decoded")
