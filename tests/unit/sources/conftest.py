"""A small workspace of files on disk, and asset sets over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.resource import (
    AssetSet,
    FileSpecification,
    Head,
    Layout,
    MetadataSource,
    Policy,
    Ref,
    SourceLocation,
    TableMetadata,
)
from reconciler.sources import Assembly, survey

IMAGE = FileSpecification("image_1", "image", (".png", ".jpg", ".jpeg"), required=True, primary=True)
LABEL = FileSpecification("label_1", "data", (".json",), required=True)
MASK = FileSpecification("mask_1", "image", (".png",))
DICOM = FileSpecification("dicom_1", "data", (".dcm", ".dicom"))


class Workspace:
    """Writes files below a folder and surveys them."""

    image, label, mask, dicom = IMAGE, LABEL, MASK, DICOM

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: bytes | str = b"x") -> Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content.encode() if isinstance(content, str) else content)
        return full

    def write_all(self, *paths: str) -> None:
        for path in paths:
            self.write(path, "{}" if path.lower().endswith(".json") else b"x")

    def head(self, kind: str, name: str) -> Head:
        return Head(Address(kind, name), Location("assets.yaml", 3, 1), self.root, "local")

    def asset_set(self, *, metadata: Sequence[MetadataSource] = (), **changes: Any) -> AssetSet:
        plain = AssetSet(
            head=self.head("AssetSet", "scans"),
            collection=Ref(Address("Collection", "ct")),
            sources=(SourceLocation("data"),),
            layout=Layout.STEMS,
            key_rule=None,
            case_sensitive=True,
            files=(),
            metadata=tuple(Ref(source.head.address) for source in metadata),
            meta={},
            groups=(),
            incomplete=Policy.FAIL,
            unmatched=Policy.WARN,
            duplicates=Policy.FAIL,
            max_file_size_bytes=None,
            prune=False,
            platform={},
        )
        return dataclasses.replace(plain, **changes)

    def metadata(self, origin: Any, name: str = "patients", unmatched_rows: Policy = Policy.WARN) -> MetadataSource:
        return MetadataSource(self.head("MetadataSource", name), origin, unmatched_rows)

    def table(self, url: str, key: str = "unit", **options: Any) -> MetadataSource:
        return self.metadata(TableMetadata(url, key, **options))

    def assemble(
        self,
        specifications: tuple[FileSpecification, ...] = (IMAGE, LABEL),
        metadata: Sequence[MetadataSource] = (),
        schema: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Assembly:
        found = survey(self.asset_set(metadata=metadata, **changes), specifications, metadata, schema)
        try:
            return found.assemble()
        finally:
            found.close()

    def files(self, assembly: Assembly) -> dict[str, dict[str, list[str]]]:
        """Key → specification → paths."""
        units: dict[str, dict[str, list[str]]] = {}
        for unit in assembly.units():
            for file in unit.files:
                units.setdefault(unit.key, {}).setdefault(file.spec, []).append(file.path)
        return units


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path)
