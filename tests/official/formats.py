"""Runs in the official client's environment: its own converters to training formats, a JSON line in, one out."""

import json
import sys
import xml.etree.ElementTree as ET

import synapse_sdk.utils.converters.pascal.from_dm as pascal
from synapse_sdk.utils.converters.coco.from_dm import FromDMToCOCOConverter
from synapse_sdk.utils.converters.dm import convert_v1_to_v2
from synapse_sdk.utils.converters.dm.types import build_export_contract
from synapse_sdk.utils.converters.yolo.from_dm import FromDMToYOLOConverter

CONTRACT = build_export_contract("instance")
SIZES = ("width", "height")


def to_coco(v2, given):
    """Rows of all datasets, with the names of their categories."""
    size = {name: given[name] for name in SIZES}
    found = FromDMToCOCOConverter(CONTRACT).convert_item(
        v2["annotation_data"], annotation_meta=v2["annotation_meta"], item_id="1", file_name="images/a.jpg", **size
    )
    rows = []
    for dataset in found.datasets.values():
        value = dataset.model_dump(mode="json")
        names = {row["id"]: row["name"] for row in value["categories"]}
        rows += [{**row, "category": names[row["category_id"]]} for row in value["annotations"]]
    return rows


def to_yolo(v2, given):
    """Lines of a label file."""
    converter = FromDMToYOLOConverter(is_single_conversion=True, export_contract=CONTRACT)
    images = v2["annotation_data"].get("images") or [{}]
    found = converter.convert_annotations(images[0], *(given[name] for name in SIZES), item_id="1")
    return converter.serialize_task(given["task"], found, given["classes"])


def to_voc(v2, given):
    """Class and corners of every object of the XML."""
    found = pascal.FromDMToPascalConverter(is_single_conversion=True).convert_single_file(
        v2_result=v2,
        export_contract=CONTRACT,
        original_file=None,
        dimensions=tuple(given[name] for name in SIZES),
        file_name="a.jpg",
        class_to_index={name: number + 1 for name, number in given["classes"].items()},
        item_id="1",
    )
    root = ET.fromstring(found["xml_content"].encode())
    return [[one.findtext("name"), *(float(c.text) for c in one.find("bndbox"))] for one in root.iter("object")]


def main() -> None:
    """Convert each line of stdin: {"to": format, "value": payload of version 1, and what the format needs}."""
    for line in sys.stdin:
        given = json.loads(line)
        convert = {"coco": to_coco, "yolo": to_yolo, "voc": to_voc}[given["to"]]
        print(json.dumps(convert(convert_v1_to_v2(given["value"]), given)))


if __name__ == "__main__":
    main()
