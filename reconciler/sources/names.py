"""What a file or folder name says by itself: suffix, hidden or not, sort order, comparison form.

Pure text functions; nothing here looks at a disk.
"""

from __future__ import annotations

import re
import unicodedata

# Suffixes that belong together; the part before them is the stem. Specifications may add more.
COMPOUND_SUFFIXES: frozenset[str] = frozenset(
    f"{inner}{outer}"
    for inner in (
        ".nii", ".tar", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml", ".vcf", ".bed", ".fastq", ".fq", ".fasta",
        ".fa", ".gff", ".gtf", ".mrc", ".svs", ".mgh", ".h5ad", ".mtx", ".svg", ".pcd", ".ply",
    )
    for outer in (".gz", ".bz2", ".xz", ".zst")
) | {".ome.tif", ".ome.tiff", ".ome.zarr", ".bam.bai", ".vcf.gz.tbi"}  # fmt: skip

_SYSTEM_NAMES = frozenset(
    {
        "@eadir", "@recycle", "#recycle", "#snapshot", "thumbs.db", "ehthumbs.db", "desktop.ini", "__pycache__",
        "__macosx", "$recycle.bin", "system volume information", "lost+found", "icon\r",
    }
)  # fmt: skip
_DIGITS = re.compile(r"(\d+)")


def hidden_rule(name: str) -> str | None:
    """Return the name of the rule that hides a file or folder of this name, or None.

    Rules: "hidden" (leading dot), "AppleDouble" (`._x`), "lock file" (`~$x`, `.~lock.x#`), "system".
    """
    if name.startswith("._"):
        return "AppleDouble"
    if name.startswith(("~$", ".~lock.")):
        return "lock file"
    if name.lower() in _SYSTEM_NAMES:
        return "system"
    return "hidden" if name.startswith(".") else None


def nfc(text: str) -> str:
    """Return the composed form, in which keys, globs and headers are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_text(name: str) -> bool:
    """True when the name is valid Unicode; names that are only bytes cannot be written to any backend."""
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def split_suffix(name: str, compound: frozenset[str] = COMPOUND_SUFFIXES) -> tuple[str, str]:
    """Split a file name into stem and lower-case suffix; the longest known compound suffix wins.

    "a.b.nii.gz" gives ("a.b", ".nii.gz"), "site.1.jpg" gives ("site.1", ".jpg"), "README" gives ("README", "").
    """
    dot = name.rfind(".")
    if dot <= 0:
        return name, ""
    best = dot
    start = name.rfind(".", 0, dot)
    while start > 0 and len(name) - start <= 40:
        if name[start:].lower() in compound:
            best = start
        start = name.rfind(".", 0, start)
    return name[:best], name[best:].lower()


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which "frame2" comes before "frame10"."""
    parts = _DIGITS.split(text)
    return tuple((1, int(part), part) if part.isdigit() and part.isascii() else (0, 0, part) for part in parts)
