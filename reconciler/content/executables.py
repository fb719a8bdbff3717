"""Programs: ELF, PE, Mach-O, Java classes, Android code, WebAssembly, and scripts with an interpreter line. Pure."""

from __future__ import annotations

import re

_MACH_O = frozenset(
    bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabf", "bfbafeca")
)
# `#!` alone also begins sound (`#!AMR`) and Rust attributes (`#![`).
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/[^\s\x00]")
# A universal binary has few architectures where a Java class has its version, 45 or more.
_MOST_ARCHITECTURES = 30


def executable(head: bytes) -> str:
    """The kind of program: elf, pe, mach-o, java-class, dex, wasm or script; "" for anything else."""
    if head.startswith(b"\x7fELF"):
        return "elf"
    if head.startswith(b"MZ"):
        return _windows(head)
    if head[:4] in _MACH_O:
        return "mach-o"
    if head.startswith(b"\xca\xfe\xba\xbe"):
        return "mach-o" if int.from_bytes(head[4:8], "big") <= _MOST_ARCHITECTURES else "java-class"
    if head.startswith(b"dex\n0"):
        return "dex"
    if head.startswith(b"\0asm\1\0\0\0"):
        return "wasm"
    return "script" if _SHEBANG.match(head) else ""


def _windows(head: bytes) -> str:
    """The header at the offset that the DOS header names; plain DOS programs name none.

    "MZ" also begins ordinary words, so a file counts only with the rest of a header behind it.
    """
    at = int.from_bytes(head[60:64], "little")
    if head[at : at + 4] == b"PE\0\0":
        return "pe"
    if len(head) < 64:
        return ""
    is_beyond = len(head) <= at < 1 << 28
    relocations, paragraphs = int.from_bytes(head[24:26], "little"), int.from_bytes(head[8:10], "little")
    return "pe" if 2 <= paragraphs <= 64 and (is_beyond or 28 <= relocations <= 64) and b"\0" in head[:64] else ""
