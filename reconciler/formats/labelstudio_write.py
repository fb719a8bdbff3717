"""Write tasks of Label Studio: `tasks.json`, or a file per split, and the configuration to import them with.

Source of the format: Label Studio documentation, "Label Studio JSON format of annotated tasks".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.formats.account import Account, Loss, Outcome, Tally, decode_account, encode_account, total
from reconciler.formats.annotations import MediaAnnotations
from reconciler.formats.assembling import Numbers, chunked
from reconciler.formats.dm import decode_payload
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.import_edits import member, record_of
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.labelstudio_config import OBJECTS, Controls, used_controls
from reconciler.formats.labelstudio_results import MediaResults
from reconciler.formats.labelstudio_tasks import LISTS, shorten
from reconciler.formats.labelstudio_values import RECORD_KEY
from reconciler.formats.naming import primary_media, safe_component, settle_paths
from reconciler.formats.pictures import picture_size, placed_problem
from reconciler.model.json import JSON, JSONObject, canonical_json, digest

_ALL: Final = "tasks"  # the file of an export without splits
_REST: Final = "default"  # the file of items that belong to no split


@dataclass(frozen=True, slots=True)
class LabelstudioOptions:
    """options of `format: labelstudio`. results: where the results of a task stand that was not imported. prefix: in
    front of paths in `data`. form: the full form, or JSON-MIN. classes: labels in order. has_splits: a file per split.
    """

    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True
    results: Literal["annotations", "predictions"] = "annotations"
    prefix: str = ""
    form: Literal["json", "json-min"] = "json"
    classes: tuple[str, ...] = ()
    has_splits: bool = False


@dataclass(slots=True)
class _Task:
    """What one item became. objects: name in the task → (kind of media, member of `data`)."""

    row: JSONObject
    results: list[JSONObject]
    objects: dict[str, tuple[str, str]]
    account: Account


@dataclass(frozen=True, slots=True)
class LabelstudioWriter:
    """`format: labelstudio`. Pure; see `items.Writer`."""

    options: LabelstudioOptions = field(default_factory=LabelstudioOptions)
    format: str = "labelstudio"

    @property
    def digest(self) -> str:
        """Digest of the options that decide a fragment; the order of labels does not."""
        o = self.options
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        return digest([1, [o.geometry.mode, o.geometry.tolerance], originals, o.results, o.prefix, o.form])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`images/[<split>/]<key><suffix>` for the primary picture; see `naming.settle_paths` for the others."""
        return settle_paths(item, self.options.originals, annotation=None)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """One fragment; no files of its own."""
        decoded = decode_payload(item.data, lossless=False)
        task = _ItemTask(self.options, item, decoded.document.media).task()
        controls = [list(row) for row in used_controls(task.results)]
        head = {
            "account": encode_account(task.account),
            "id": task.row.get("id"),
            "objects": {name: list(found) for name, found in task.objects.items()},
            "controls": controls,
        }
        body = shorten({"id": None, **task.row}, task.results) if self.options.form == "json-min" else task.row
        text = f"{canonical_json(head)}\n{_json({k: v for k, v in body.items() if k != 'id'})}"
        problems = tuple([placed_problem(p, item.key) for p in decoded.problems])
        return ItemOutput({}, text, task.account, problems)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(_head(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """`tasks.json`, or `<split>.json` for every split, and `config.xml`."""
        controls = Controls(self.options.classes)
        files: set[str] = set()
        ids: set[int] = set()
        for fragment in fragments():
            head = _head(fragment.text)
            files.add(self._file_of(fragment.split))
            ids |= {head["id"]} if _is_id(head["id"]) else set()
            for name, (kind, key) in head["objects"].items():
                controls.meet_object(name, kind, key)
            for name, type, to_name, labels, by_region in head["controls"]:
                controls.meet(name, type, to_name, labels, by_region=by_region)
        yield OutputFile("config.xml", chunked(f"{line}\n" for line in controls.lines()))
        numbers = Numbers(ids)
        for name in sorted(files) or [self._file_of(None)]:
            yield OutputFile(f"{name}.json", chunked(self._tasks(fragments, name, numbers)))

    def _file_of(self, split: str | None) -> str:
        if not self.options.has_splits:
            return _ALL
        return _REST if split is None else safe_component(split)

    def _tasks(self, fragments: Fragments, name: str, numbers: Numbers) -> Iterator[str]:
        before = "[\n"
        for fragment in fragments():
            if self._file_of(fragment.split) == name:
                head, _, body = fragment.text.partition("\n")
                wanted = json.loads(head)["id"]
                number = numbers.take(str(wanted) if _is_id(wanted) else "")
                yield f'{before}{{"id": {number}, {body[1:]}'
                before = ",\n"
        yield "[]\n" if before == "[\n" else "\n]\n"


def _head(fragment: str) -> JSONObject:
    head: JSONObject = json.loads(fragment.partition("\n")[0])
    return head


def _is_id(value: JSON) -> bool:
    return type(value) is int and value >= 0


def _json(value: JSON) -> str:
    """One line; half surrogates, which no file can hold, are escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


@dataclass(slots=True)
class _ItemTask:
    """Makes the task of one item."""

    options: LabelstudioOptions
    item: ExportItem
    media: tuple[MediaAnnotations, ...]

    def task(self) -> _Task:
        by_media = {m.media: m for m in self.media}
        primary = primary_media(self.item)
        names = dict.fromkeys(
            [*([primary] if primary else []), *sorted(m for m in by_media if by_media[m].annotations)]
        )
        first = next(iter(names), None)
        record = record_of(by_media[first].extra, RECORD_KEY) if first in by_media else {}
        data = dict(member(member(record, "task"), "data")) or {"key": self.item.key}
        results: list[JSONObject] = []
        objects: dict[str, tuple[str, str]] = {}
        tallies: list[Tally] = []
        for media in names:
            drawn = by_media.get(media, MediaAnnotations(media))
            tally = Tally(self.item.key, media, read=len(drawn.annotations))
            tallies.append(tally)
            kind = self._kind(media)
            if kind is None:
                tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_MEDIA, *(a.id for a in drawn.annotations))
                continue
            own = record if media == first else {}
            name, key = _object(own, kind if media == first else media)
            if key is not None:
                objects[name] = (kind, key)
                data[key] = self._place(media, kind, data.get(key))
            size = picture_size(self.item, drawn)
            results += MediaResults(drawn, kind, name, size, self.options.geometry, own, tally).rows()
        return _Task(self._row(record, data, results), results, objects, total(t.account() for t in tallies))

    def _kind(self, media: str) -> str | None:
        file = self.item.media.get(media)
        said = file.type if file is not None and file.type is not None else media.partition("_")[0]
        kind = "series" if said in ("time_series", "timeseries") else said
        return kind if kind in OBJECTS else None

    def _place(self, media: str, kind: str, known: JSON) -> JSON:
        """What `data` says of a file: the copy's path, unless nothing is copied, or the text itself was imported."""
        wanted = self.options.originals
        is_copied = wanted is True or (isinstance(wanted, tuple) and media in wanted)
        if isinstance(known, str) and (kind == "text" or not is_copied):
            return known
        return self.options.prefix + settle_paths(self.item, (media,), annotation=None).originals[media]

    def _row(self, record: JSONObject, data: JSONObject, results: list[JSONObject]) -> JSONObject:
        kept = member(record, "task")
        row = {**{k: v for k, v in kept.items() if k not in (*LISTS, "data")}, "data": data}
        lists = {name: list(kept[name]) for name in LISTS if isinstance(kept.get(name), list)}
        slot = record.get("slot")
        where, place = slot if isinstance(slot, list) and len(slot) == 2 else (None, None)
        if isinstance(where, str) and where in lists and type(place) is int and 0 <= place < len(lists[where]):
            entry = lists[where][place]
            lists[where][place] = {**(entry if isinstance(entry, Mapping) else {}), "result": results}
        elif results or not lists:
            lists.setdefault(self.options.results, []).append({"result": results})
        return {**row, **lists}


def _object(record: JSONObject, name: str) -> tuple[str, str | None]:
    """What a task calls a file, and the member of `data` that has it; None when the imported task did not say."""
    said, key = record.get("object"), record.get("key")
    found = said if isinstance(said, str) and said else name
    return found, key if isinstance(key, str) and key else None if record else found
