"""Which specification a file belongs to, by extension and by the folder it lies in.

The folder only decides between specifications that accept the extension; docs/sources.md has the table of names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from reconciler.model.resource import FileSpecification
from reconciler.sources.names import COMPOUND_SUFFIXES, nfc, split_suffix

_IMAGE = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ome.tif", ".ome.tiff")
_TEXT = (".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".srt", ".vtt")
_MEDICAL = (".dcm", ".dicom", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")

# What a specification without `extensions` takes, by its type. A type that is not here takes any file.
USUAL_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image": _IMAGE,
    "video": (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".wmv", ".flv", ".mpg", ".mpeg"),
    "audio": (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac", ".opus", ".wma"),
    "text": _TEXT,
    "document": (*_TEXT, ".pdf", ".yaml", ".yml", ".docx", ".xlsx"),
    "data": (
        *_TEXT, ".yaml", ".yml", ".npy", ".npz", ".parquet", ".h5", ".hdf5", ".pkl", ".bin", *_MEDICAL,
        ".csv.gz", ".tsv.gz", ".json.gz", ".txt.gz", ".vcf", ".vcf.gz", ".fastq", ".fastq.gz", ".bam", ".mtx",
    ),
    "pcd": (".pcd", ".ply", ".las", ".laz", ".xyz", ".bin"),
    "medical": _MEDICAL,
    "medical_image": _MEDICAL,
}  # fmt: skip

# Folder names people use for a word that names a specification or its type.
FOLDER_NAMES: dict[str, tuple[str, ...]] = {
    "image": ("img", "imgs", "photo", "photos", "picture", "pictures", "pic", "pics", "jpegimages"),
    "label": ("lbl", "lbls", "annotation", "annotations", "annot", "ann", "anno", "gt", "ground_truth"),
    "mask": ("seg", "segs", "segmentation", "segmentations"),
    "dicom": ("dcm", "dcms"),
    "video": ("vid", "vids", "clip", "clips", "movie", "movies"),
    "audio": ("sound", "sounds", "wav", "wavs"),
    "text": ("txt", "txts"),
    "caption": ("cap", "caps", "captions_txt"),
    "pcd": ("pointcloud", "pointclouds", "point_cloud", "lidar", "velodyne"),
    "document": ("doc", "docs"),
}

_NUMBER = re.compile(r"[ _.-]*\d+$")


class _Strength(IntEnum):
    """How well a folder name fits a specification; the best fit wins."""

    TYPE = 1
    EXTENSION = 2
    OTHER_NAME = 3
    WORD = 4
    NAME = 5


def plurals(word: str) -> tuple[str, ...]:
    """A word and its plural forms."""
    if word.endswith("y"):
        return (word, f"{word}s", f"{word[:-1]}ies")
    return (word, f"{word}es", f"{word}s") if word.endswith(("s", "x", "ch")) else (word, f"{word}s")


def _folder_fits(specification: FileSpecification) -> dict[str, _Strength]:
    """Folder name (folded) → how well it fits this specification."""
    word, kind = _NUMBER.sub("", specification.name).casefold(), specification.type.casefold()
    extensions = specification.extensions or USUAL_EXTENSIONS.get(kind, ())
    fits: dict[str, _Strength] = {}
    for name in (*plurals(kind), *FOLDER_NAMES.get(kind, ())):
        fits[name] = _Strength.TYPE
    for extension in extensions:
        for name in plurals(extension.lstrip(".")):
            fits[name] = _Strength.EXTENSION
    for name in FOLDER_NAMES.get(word, ()):
        fits[name] = _Strength.OTHER_NAME
    for name in plurals(word):
        fits[name] = _Strength.WORD
    fits[specification.name.casefold()] = _Strength.NAME
    return fits


class Mapping:
    """Decides the specification of files, by index into the specifications given."""

    def __init__(self, specifications: Sequence[FileSpecification]) -> None:
        self.names = tuple(specification.name for specification in specifications)
        self._fits = [_folder_fits(specification) for specification in specifications]
        self._extensions = [
            specification.extensions or USUAL_EXTENSIONS.get(specification.type.casefold(), ())
            for specification in specifications
        ]
        self._declared = [bool(specification.extensions) for specification in specifications]
        declared = (extension for extensions in self._extensions for extension in extensions)
        self.compound = COMPOUND_SUFFIXES | {extension.lower() for extension in declared if extension.count(".") > 1}

    def split(self, name: str) -> tuple[str, str]:
        """Split a file name into stem and suffix; knows the multi-dot extensions of the specifications."""
        return split_suffix(name, self.compound)

    def accepting(self, suffix: str) -> tuple[int, ...]:
        """Specifications that take files with this (lower-case) suffix."""
        last = suffix[suffix.rfind(".") :] if suffix else ""
        exact = tuple(i for i, taken in enumerate(self._extensions) if not taken or suffix in taken)
        return exact or tuple(i for i, taken in enumerate(self._extensions) if last in taken)

    def accepts(self, index: int, suffix: str) -> bool:
        """True when this specification takes the suffix; one that lists nothing takes everything."""
        taken = self._extensions[index]
        return not taken or suffix in taken or (bool(suffix) and suffix[suffix.rfind(".") :] in taken)

    def lists_extensions(self, index: int) -> bool:
        """Whether the extensions are declared, and not the usual ones of the type."""
        return self._declared[index]

    def by_folder(self, candidates: tuple[int, ...], parts: Sequence[str]) -> tuple[int, ...]:
        """Narrow candidates by path parts, deepest first; the first part that fits any of them decides.

        Returns several when the part fits them equally well, all of them when no part fits.
        """
        for part in reversed(parts):
            word = nfc(part).casefold()
            strengths = {i: self._fits[i][word] for i in candidates if word in self._fits[i]}
            if strengths:
                best = max(strengths.values())
                return tuple(i for i, strength in strengths.items() if strength == best)
        return candidates

    def most_explicit(self, candidates: tuple[int, ...]) -> tuple[int, ...]:
        """Prefer specifications that list extensions over those that take the usual ones or anything."""
        return tuple(i for i in candidates if self._declared[i]) or candidates
