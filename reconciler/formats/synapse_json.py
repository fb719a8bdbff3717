"""`format: synapse-json`: every item's payload as the platform stores it, one file per item, nothing around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.dm import count_annotations
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import settle_paths
from reconciler.model.json import JSON, canonical_json, digest


@dataclass(frozen=True, slots=True)
class SynapseJsonOptions:
    """options of `format: synapse-json`. originals: specifications whose files are copied."""

    originals: bool | tuple[str, ...] = True


@dataclass(frozen=True, slots=True)
class SynapseJsonWriter:
    """Pure; see `items.Writer`. Files hold canonical JSON (sorted keys, UTF-8), equal in value to the payload."""

    options: SynapseJsonOptions = SynapseJsonOptions()
    format: str = "synapse-json"

    @property
    def digest(self) -> str:
        """Nothing but the format decides an item's file."""
        return digest([self.format, 1])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`annotations/[<split>/]<key>.json`, and the originals as in every format."""
        return settle_paths(item, self.options.originals, annotation=".json")

    def write_item(self, item: ExportItem) -> ItemOutput:
        """The payload's file. A payload that is text is parsed first; text that is no JSON is written as a string."""
        value = _parsed(item.data)
        path = self.paths(item).annotation
        assert path is not None
        count = count_annotations(value)
        account = Account(count, count)
        fragment = canonical_json({"account": encode_account(account)})
        return ItemOutput({path: canonical_json(value).encode()}, fragment, account)

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """No shared files."""
        del fragments
        return iter(())

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment)["account"])


def _parsed(value: JSON) -> JSON:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
