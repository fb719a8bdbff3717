"""The data card of an export: `README.md` for people, Croissant JSON-LD for machines. Pure text from what is known.

Source of the format: MLCommons Croissant 1.0 (docs.mlcommons.org/croissant/docs/croissant-spec.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.model.json import JSON, JSONObject
from reconciler.model.resource import Export

CARD_PATH: Final = "README.md"
CROISSANT_PATH: Final = "metadata/croissant.json"
ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "license": ("license", "licence"),
    "owner": ("owner", "creator"),
    "version": ("version",),
    "citation": ("citation", "citeAs"),
    "url": ("url", "homepage"),
}
"""What a card says of the collection → the keys of its metadata that say it, the first that is there."""
_SHOWN_CLASSES: Final = 200

_READ_WITH: Final[Mapping[str, str]] = {
    "coco": "from pycocotools.coco import COCO\ncoco = COCO('{index}')",
    "csv": "import pandas\nrows = pandas.read_csv('{index}')",
    "imagefolder": "from torchvision.datasets import ImageFolder\ndata = ImageFolder('{folder}')",
    "jsonl": "import pandas\nrows = pandas.read_json('{index}', lines=True)",
    "parquet": "import pandas\nrows = pandas.read_parquet('{index}')",
    "yolo": "yolo {task} train data={index}",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says. title, description: of what was exported. about: what the metadata of the collection says,
    under the names of `ABOUT`. items: counts as in the summary.

    classes: split ("" without splits) → class → number of objects. shared: path → (bytes, SHA-256) of the files that
    are nobody's own. sheets: paths of contact sheets. unsheeted: why there are none, when there should be.
    """

    export: Export
    summary: JSONObject
    title: str
    description: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    shared: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    sheets: Sequence[str] = ()
    unsheeted: str = ""


def build_card(facts: Facts) -> bytes:
    """`README.md` of a data set. No clock: the same facts give the same bytes."""
    parts = [
        f"# {facts.title}",
        facts.description,
        _what(facts),
        _sheets(facts),
        _counts(facts),
        _left_out(facts.summary),
        _reading(facts),
        _made_from(facts.summary),
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _what(facts: Facts) -> str:
    export, items = facts.export, facts.summary["items"]
    rows = {
        **{name.capitalize(): _cell(facts.about[name]) for name in ABOUT if name in facts.about},
        "Export": f"`{export.head.address}`",
        "Made of": export.target.replace("_", " ") + (" (filtered)" if export.filter else ""),
        "Format": export.format,
        "Items": f"{items['written']:,}",
        "Annotations": _annotations(facts.summary),
        "Shapes that leave the picture": f"{export.geometry.mode}, tolerance {export.geometry.tolerance:g} pixels",
        "Splits": _splits(export),
    }
    return _table(("", ""), [(name, text) for name, text in rows.items() if text])


def _annotations(summary: JSONObject) -> str:
    found = summary.get("annotations", {})
    left = found.get("dropped", 0) + found.get("failed", 0)
    return f"{found.get('written', 0):,} written, {left:,} left out of {found.get('read', 0):,}"


def _splits(export: Export) -> str:
    splits = export.splits
    if splits is None:
        return ""
    if splits.by:
        return f"by {splits.by}"
    shares = ", ".join(f"{name} {share:g}" for name, share in splits.ratios.items())
    return f"{shares}, seed {splits.seed}; by a hash of the item's key, so that new items move no old ones"


def about_collection(meta: JSONObject) -> dict[str, str]:
    """What the metadata of a collection says for a card. Only texts and numbers count."""
    found = {name: next((meta[key] for key in keys if key in meta), None) for name, keys in ABOUT.items()}
    return {
        name: str(value)
        for name, value in found.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    }


def _sheets(facts: Facts) -> str:
    if facts.sheets:
        return "\n".join(f"![Some pictures with their annotations]({path})" for path in facts.sheets)
    return f"No contact sheet was drawn: {facts.unsheeted}." if facts.unsheeted else ""


def _counts(facts: Facts) -> str:
    """Objects by class, a column per split."""
    splits = sorted(split for split, counts in facts.classes.items() if counts)
    names = sorted({name for counts in facts.classes.values() for name in counts})
    if not names:
        return ""
    columns = splits if len(splits) > 1 or splits[0] else [""]
    head = ("Class", *(split or ("Objects" if len(columns) == 1 else "no split") for split in columns))
    rows = [
        (_cell(name), *(f"{facts.classes.get(split, {}).get(name, 0):,}" for split in columns))
        for name in names[:_SHOWN_CLASSES]
    ]
    more = len(names) - _SHOWN_CLASSES
    return "## Objects\n\n" + _table(head, rows) + (f"\n\n… and {more:,} more classes." if more > 0 else "")


def _left_out(summary: JSONObject) -> str:
    """The account, for people."""
    rows = [(r["outcome"], r["reason"].replace("_", " "), f"{r['count']:,}") for r in summary.get("reasons", ())]
    unreadable = summary["items"].get("unreadable", 0)
    if unreadable:
        rows.append(("left out", "payload cannot be read", f"{unreadable:,} items"))
    if not rows:
        return ""
    text = "Every annotation is accounted for; `metadata/export_summary.json` names the first of each reason."
    return f"## What was changed or left out\n\n{text}\n\n" + _table(("Outcome", "Reason", "Annotations"), rows)


def _reading(facts: Facts) -> str:
    pattern = _READ_WITH.get(facts.export.format)
    task, index = facts.export.options.get("task", "detect"), _index(facts)
    if pattern is None or index is None:
        return ""
    text = pattern.format(index=index, folder="train", task=task)
    language = "sh" if facts.export.format == "yolo" else "python"
    return f"## Reading it\n\n```{language}\n{text}\n```"


def _index(facts: Facts) -> str | None:
    """What a reader has to be given: a file, or the folder of classified pictures; None when there is no such thing."""
    if facts.export.format == "yolo":
        return (
            "." if facts.export.options.get("task") == "classify" else next(iter({"data.yaml"} & {*facts.shared}), None)
        )
    found = sorted(path for path in facts.shared if path != "classes.json" and not is_about(path))
    return next((path for path in found if path.endswith("_train.json")), next(iter(found), None))


def _made_from(summary: JSONObject) -> str:
    found = summary.get("provenance", {})
    flat = {**found, **{f"source {key}": value for key, value in found.get("source", {}).items()}}
    if found.get("uncommitted"):
        flat["commit"] = f"{found['commit']} and changes that were not committed"
    rows = [
        (key, f"`{_cell(value)}`")
        for key, value in sorted(flat.items())
        if isinstance(value, str) and key != "checksums"
    ]
    checks = "`metadata/export_manifest.json` lists every file with its size and SHA-256."
    return "## Provenance\n\n" + (_table(("", ""), rows) + "\n\n" if rows else "") + checks


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _cell(text: str) -> str:
    """Text that breaks no table and starts no mark-up."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("`", "\\`")


def is_about(path: str) -> bool:
    """Whether a file tells of the data set and is no part of it."""
    return path.startswith("metadata/") or path == CARD_PATH


def build_croissant(facts: Facts) -> bytes:
    """`metadata/croissant.json`: the files of the data set as Croissant 1.0 describes them."""
    name = facts.export.head.address.name
    files: list[JSON] = [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": f"../{path}",
            "contentSize": f"{size} B",
            "encodingFormat": _media_type(path),
            "sha256": sha256,
        }
        for path, (size, sha256) in sorted(facts.shared.items())
        if not is_about(path)
    ]
    if facts.export.originals is not False:
        where = _picture_places(facts.export)
        pictures = {"@type": "cr:FileSet", "@id": "pictures", "name": "pictures", "includes": where}
        files.append({**pictures, "encodingFormat": "image/*"})
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": facts.description or facts.title,
        **_about(facts.about),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": files,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _about(about: Mapping[str, str]) -> JSONObject:
    """Under the names that schema.org and Croissant give."""
    owner = about.get("owner")
    found = {"license": "license", "version": "version", "citeAs": "citation", "url": "url"}
    creator = {"creator": {"@type": "sc:Organization", "name": owner}} if owner else {}
    return {**creator, **{name: about[key] for name, key in found.items() if key in about}}


def _picture_places(export: Export) -> str:
    """The pattern of the pictures' paths."""
    if export.format == "imagefolder" or export.options.get("task") == "classify":
        return "*/*/**"
    return "obj_*_data/**" if export.options.get("layout") == "legacy" else "images/**"


def _media_type(path: str) -> str:
    suffix = path.rpartition(".")[2].lower()
    known = {"json": "application/json", "csv": "text/csv", "txt": "text/plain", "xml": "application/xml"}
    more = {"yaml": "application/yaml", "jsonl": "application/jsonlines", "parquet": "application/vnd.apache.parquet"}
    return {**known, **more}.get(suffix, "application/octet-stream")


_OF_CROISSANT: Final = (
    "citeAs column equivalentProperty extract field fileProperty fileObject fileSet format includes isLiveDataset "
    "jsonPath key parentField path recordSet references regex repeated replace samplingRate separator source subField "
    "transform"
)
_CONTEXT: Final[JSONObject] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "md5": "cr:md5",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _OF_CROISSANT.split()},
}
"""The context that the specification gives to every description."""
