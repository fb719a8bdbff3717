"""Make metadata.xlsx from the facts in the COCO file: one row per picture.

    python make_metadata.py [OUT]

Needs openpyxl. The workbook is kept beside the data, so nobody has to run this; it shows where the values come from.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
HEADER = ("Picture", "Captured", "Width (px)", "Height (px)", "Licence of the photograph", "Objects", "Contains people")
SHORT = {"Attribution License": "CC BY 2.0", "Attribution-ShareAlike License": "CC BY-SA 2.0"}

Row = tuple[str, date, int, int, str, int, bool]


def rows() -> list[Row]:
    """Facts per picture, sorted by file name."""
    dataset = json.loads((FOLDER / "annotations" / "instances_val.json").read_text(encoding="utf-8"))
    licences = {licence["id"]: SHORT[licence["name"]] for licence in dataset["licenses"] if licence["name"] in SHORT}
    person = next(category["id"] for category in dataset["categories"] if category["name"] == "person")
    objects = Counter(annotation["image_id"] for annotation in dataset["annotations"])
    people = {annotation["image_id"] for annotation in dataset["annotations"] if annotation["category_id"] == person}
    return [
        (
            Path(image["file_name"]).stem,
            datetime.fromisoformat(image["date_captured"]).date(),
            image["width"],
            image["height"],
            licences[image["license"]],
            objects[image["id"]],
            image["id"] in people,
        )
        for image in sorted(dataset["images"], key=lambda image: image["file_name"])
    ]


def write(path: Path) -> None:
    """Write the workbook."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Pictures"
    sheet.append(HEADER)
    for row in rows():
        sheet.append(row)
    for cell in sheet["B"][1:]:
        cell.number_format = "yyyy-mm-dd"
    sheet.column_dimensions["A"].width = 16
    sheet.column_dimensions["B"].width = 12
    sheet.column_dimensions["E"].width = 26
    sheet.freeze_panes = "A2"
    book.save(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "metadata.xlsx")
