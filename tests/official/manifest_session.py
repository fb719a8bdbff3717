"""What the official Sage client makes of manifests; runs in its own environment, reads JSON, writes JSON.

Given {"columns": [[cell, ...], ...], "manifests": [[path, dialect], ...]}. Nothing is sent anywhere: the checks that
need the server are left out by calling the functions behind them.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")

import pandas  # noqa: E402
from synapseclient.annotations import _convert_to_annotations_list as wire_form  # noqa: E402
from synapseclient.models.services import manifest as modern  # noqa: E402
from synapseutils import sync as legacy  # noqa: E402

LEGACY_STANDARD = (
    *legacy.FILE_CONSTRUCTOR_FIELDS, *legacy.STORE_FUNCTION_FIELDS, *legacy.REQUIRED_FIELDS, *legacy.PROVENANCE_FIELDS,
)  # fmt: skip


def annotations(row: dict[str, Any], dialect: str) -> dict[str, Any]:
    """Wire form by key; null for a key that is cleared."""
    reader = legacy if dialect == "tsv" else modern
    parsed = reader._build_annotations_for_file(row)
    sent = wire_form(parsed)
    return {key: sent.get(key) for key in parsed}


def read_column(cells: list[str], dialect: str) -> list[Any]:
    """Annotation `k` of every row of a table with this one column."""
    table = io.StringIO()
    if dialect == "tsv":
        table.write("path\tk\n" + "".join(f"p{n}\t{cell}\n" for n, cell in enumerate(cells)))
    else:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["path", "k"])
        writer.writerows([f"p{n}", cell] for n, cell in enumerate(cells))
    table.seek(0)
    frame = pandas.read_csv(table, sep="\t" if dialect == "tsv" else ",").fillna("")
    found: list[Any] = []
    for _, row in frame.iterrows():
        try:
            found.append(annotations({"k": row["k"]}, dialect))
        except Exception as error:  # noqa: BLE001  the client's own failure is the answer
            found.append({"error": type(error).__name__})
    return found


def read_manifest(path: str, dialect: str) -> list[dict[str, Any]]:
    """Rows as the client would store them, by path."""
    frame = _legacy_frame(path) if dialect == "tsv" else modern._clean_manifest(path)
    standard = LEGACY_STANDARD if dialect == "tsv" else tuple(modern.NON_ANNOTATION_COLUMNS)
    if dialect == "csv":
        modern._validate_manifest(frame)
    rows = []
    for _, row in frame.iterrows():
        given = {str(key): value for key, value in row.items() if key not in standard}
        parent = row["parent" if dialect == "tsv" else "parentId"]
        rows.append(
            {
                "path": row["path"],
                "parent": parent,
                "name": row["name"],
                "store": bool(row["synapseStore"]),
                "used": row.get("used") or [],
                "executed": row.get("executed") or [],
                "annotations": annotations(given, dialect),
            }
        )
    return sorted(rows, key=lambda row: str(row["path"]))


def _legacy_frame(path: str) -> Any:
    class Container(dict):
        pass

    class Offline:
        class logger:  # noqa: N801  the client's own name
            info = staticmethod(lambda *_: None)
            warning = staticmethod(lambda *_: None)

        async def get_async(self, *_: Any, **__: Any) -> Any:
            return Container()

    legacy.is_container = lambda _: True
    return asyncio.run(legacy.readManifestFile_async(Offline(), path))


def main() -> None:
    """Answer one request."""
    given = json.load(sys.stdin)
    columns = [{d: read_column(cells, d) for d in ("tsv", "csv")} for cells in given["columns"]]
    manifests = [read_manifest(path, dialect) for path, dialect in given["manifests"]]
    json.dump({"columns": columns, "manifests": manifests}, sys.stdout, default=str)


if __name__ == "__main__":
    main()
