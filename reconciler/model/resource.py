"""Desired state: one frozen value per kind, as the YAML declares it.

Fields that the user did not write are None (or empty where the schema has a default); nobody compares or
writes them. Values are JSON values with variables already filled in. `Secret` values never reach this module:
they occur only in backend settings and source options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.content import ContentBlock
from reconciler.model.json import JSON, JSONObject


class OnExists(StrEnum):
    """What to do when an object of that name is already there."""

    ADOPT = "adopt"
    FAIL = "fail"


class OnDelete(StrEnum):
    """What to do with the remote object when its document is gone."""

    DELETE = "delete"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """`spec.lifecycle`."""

    protect: bool = False
    on_exists: OnExists = OnExists.FAIL
    on_delete: OnDelete = OnDelete.DELETE


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a document by kind and name; makes an edge of the graph."""

    address: Address


@dataclass(frozen=True, slots=True)
class External:
    """A reference `{id: ...}` to a remote object that is not declared here. id: the backend's id as text."""

    kind: str
    id: str


Reference = Ref | External


@dataclass(frozen=True, slots=True)
class Head:
    """What every document has.

    location: where the document starts. folder: the folder that relative paths of this document start from.
    backend: the name of the backend in the workspace.
    """

    address: Address
    location: Location
    folder: Path
    backend: str
    lifecycle: Lifecycle = Lifecycle()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileSpecification:
    """One file slot of every unit of a collection.

    extensions: lower case, with leading dot (".nii.gz"); empty means any.
    """

    name: str
    type: str
    extensions: tuple[str, ...] = ()
    required: bool = False
    primary: bool = False
    sequential: bool = False
    description: str | None = None
    function_type: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """kind: Collection. platform: the `datamaker:` or `sage:` block, keyed by platform name, wire spelling inside.

    parent: the collection that holds this one, where collections lie in each other.
    """

    head: Head
    title: str
    description: str | None
    file_specifications: tuple[FileSpecification, ...] | None
    unit_meta_schema: JSONObject | None
    meta: JSONObject | None
    platform: Mapping[str, JSONObject]
    parent: Reference | None = None


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where files lie and which of them count.

    url: as written: a local path, relative to the document's folder, or any fsspec URL. options: for fsspec; may
    hold secrets, so they are never shown, compared or stored. include, exclude: globs over the "/"-separated path
    below the root. specification: set when every file of this source belongs to one specification (multi path).
    storage: id of a storage of the backend; `url` is then the path on it, until the backend has told where it is.
    """

    url: str
    recursive: bool = True
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    specification: str | None = None
    storage: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A table that names the files of an asset set row by row.

    url: as written. strict: refuse what can be read in two ways; else read as the platform's official client does.
    format: units (columns unit, specification, path, metadata), sage (columns path and parent), or auto. columns: names
    of the standard columns of the first form in this file. sheet: of a workbook. options: as in `SourceLocation`.
    """

    url: str
    strict: bool = True
    format: Literal["auto", "units", "sage"] = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: int | str = 1
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)


class Layout(StrEnum):
    """How the path of a file gives the key of its unit.

    PATHS and NAMES are not for documents to choose: there every file is a unit, as the backend has it.
    """

    DIRECTORIES = "directories"
    STEMS = "stems"
    PATHS = "paths"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Explicit key: `regex` searched in the path, `template` with {1}, {name} groups."""

    regex: str
    template: str = "{1}"


@dataclass(frozen=True, slots=True)
class FileRule:
    """Files whose path matches the glob belong to the specification; first match wins.

    specification: a name, or a pattern with `{n}` for numbered ones, which the files of a unit fill in natural order.
    """

    match: str
    specification: str


class Policy(StrEnum):
    """What to do with data that does not fit."""

    FAIL = "fail"
    SKIP = "skip"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Existing:
    """Units that the collection holds already, instead of a source.

    key_rule: searched in the name of a unit's main file; units that it does not fit are left out. None: the name that
    the backend knows. unmarked: units that carry nobody's marker belong too, not only those that carry the set's own.
    """

    key_rule: KeyRule | None = None
    unmarked: bool = True


@dataclass(frozen=True, slots=True)
class AssetSet:
    """kind: AssetSet. metadata: names of MetadataSources in order, later ones win key by key; meta: weakest.

    incomplete, unmatched: policies for units lacking a required file and for files of no specification;
    duplicates: for units whose files equal another unit's, which a backend with content identity cannot hold twice.
    max_file_size_bytes: None means no limit. prune: delete units that left the source. existing: set when the units are
    those that the collection holds; there are no sources then. manifest: names the files; `sources` are then the folder
    it lies in and the root of this machine. provenance: for units that have none of their own, as in
    `Unit.attributes`; units that it names are left out. content: what the content of files may be, weakest block
    first.
    """

    head: Head
    collection: Reference
    sources: tuple[SourceLocation, ...]
    layout: Layout
    key_rule: KeyRule | None
    case_sensitive: bool
    files: tuple[FileRule, ...]
    metadata: tuple[Ref, ...]
    meta: JSONObject
    groups: tuple[str, ...]
    incomplete: Policy
    unmatched: Policy
    duplicates: Policy
    max_file_size_bytes: int | None
    prune: bool
    platform: Mapping[str, JSONObject]
    existing: Existing | None = None
    manifest: ManifestFile | None = None
    provenance: JSONObject = field(default_factory=dict)
    content: tuple[ContentBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """How one metadata column is read. source: header in the table; default: for empty or missing cells."""

    name: str
    source: str
    type: str | None = None
    default: JSON = None


@dataclass(frozen=True, slots=True)
class TableLimits:
    """How much of a table is read at most; None: what the reader of its format takes by itself."""

    max_file_bytes: int | None = None
    max_rows: int | None = None
    max_columns: int | None = None
    max_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """Rows of a table, one per unit.

    url: "" for the one table with a usual name beside the data; ending with "/", the one in that folder. key: name of
    the column with the key of the unit, or names of several; key_template: how they make the key, as in
    "{site}/{number:04}"; "" joins them with "/". sheet: 1-based number or name. header: row number from 1; None: the
    first one that names the key. unlisted: keep or drop columns not in `columns`. fill_merged: cells of a merged range
    all have its value.
    """

    url: str
    key: str | tuple[str, ...]
    sheet: int | str = 1
    columns: tuple[ColumnRule, ...] = ()
    unlisted: Literal["keep", "drop"] = "keep"
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    key_template: str = ""
    header: int | None = None
    fill_merged: bool = False
    limits: TableLimits = TableLimits()


@dataclass(frozen=True, slots=True)
class PathMetadata:
    """Named groups of a regex searched in the path of the unit's files (or its key)."""

    regex: str
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SidecarMetadata:
    """A JSON or YAML file beside the unit's files; {key}, {stem} are filled in."""

    file: str


@dataclass(frozen=True, slots=True)
class ConstantMetadata:
    """The same values for every unit."""

    values: JSONObject


@dataclass(frozen=True, slots=True)
class MetadataSource:
    """kind: MetadataSource: exactly one origin. conflicts: values that an earlier source gives otherwise."""

    head: Head
    origin: TableMetadata | PathMetadata | SidecarMetadata | ConstantMetadata
    unmatched_rows: Policy = Policy.WARN
    conflicts: Policy = Policy.WARN


@dataclass(frozen=True, slots=True)
class AnnotationProject:
    """kind: AnnotationProject. classes: annotation type → class names in order."""

    head: Head
    title: str
    description: str | None
    collection: Reference | None
    category: str
    classes: Mapping[str, tuple[str, ...]] | None
    platform: Mapping[str, JSONObject]


@dataclass(frozen=True, slots=True)
class AnnotationSource:
    """Pre-annotations of a TaskSet. specification: the file slot they describe. options: of the filesystem.
    format_options: of the reader."""

    format: str
    url: str
    specification: str
    submit: bool = True
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    format_options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskSet:
    """kind: TaskSet: one task for every unit of `assets`."""

    head: Head
    project: Reference
    assets: Ref
    annotations: AnnotationSource | None


@dataclass(frozen=True, slots=True)
class Splits:
    """How items are divided. ratios: name → share, summing to 1, stable per unit key under `seed`;
    or by: "category", "meta.KEY" or "list". assigned: unit key → name, of a list."""

    ratios: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    by: str | None = None
    assigned: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an export is written: a URL (local path relative to the document's folder, or any fsspec URL), or a
    path on a storage of the backend."""

    url: str | None = None
    storage: str | None = None
    path: str | None = None
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GeometryPolicy:
    """What to do with shapes that leave the image."""

    mode: Literal["clip", "keep", "drop", "fail"] = "clip"
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class TruthVersion:
    """An immutable version of a ground truth data set, by its name."""

    dataset: Reference
    version: str


TABLE_MARK = "{table}"
"""Stands for the id of the table in the query of an export."""


@dataclass(frozen=True, slots=True)
class CardSettings:
    """The data card of an export. is_written: README.md and Croissant. sheet: pictures per contact sheet, or 0."""

    is_written: bool = True
    sheet: int = 16


@dataclass(frozen=True, slots=True)
class Export:
    """kind: Export. target: assignment, ground_truth, task, collection or query. classes: order of categories; None =
    the project's.

    project: of assignments and tasks; with ground truth it only lends its classes. ground_truth, collection, query: of
    that target. table: what TABLE_MARK in the query stands for. retain: versions to keep, None for a destination that
    is one data set.
    """

    head: Head
    target: str
    project: Reference | None
    filter: JSONObject
    format: str
    options: JSONObject
    destination: Destination
    originals: bool | tuple[str, ...]
    splits: Splits | None
    classes: tuple[str, ...] | None
    geometry: GeometryPolicy
    ground_truth: TruthVersion | None = None
    collection: Reference | None = None
    query: str | None = None
    table: Reference | None = None
    card: CardSettings = CardSettings()
    retain: int | None = None


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that belongs to an object. md5: hex of its bytes when the documents were read."""

    path: Path
    size_bytes: int
    md5: str


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A file with the rows of an object. url: as written. key: columns that identify a row; without any, a row is all
    that it holds. prune: delete rows that left the file. options: as in `SourceLocation`."""

    url: str
    key: tuple[str, ...] = ()
    prune: bool = False
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """Any kind of `model.kinds.OBJECT_KINDS`. fields: as declared, references in the place of names, also further down.

    files: by name, of all fields that list files. secrets: field → what each item of its list has of them, in order;
    never shown, compared or stored. rows: what it holds; None when that is left alone.
    """

    head: Head
    fields: Mapping[str, JSON | Reference]
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    secrets: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    rows: RowsFile | None = None


Resource = Collection | AssetSet | MetadataSource | AnnotationProject | TaskSet | RemoteObject | Export
