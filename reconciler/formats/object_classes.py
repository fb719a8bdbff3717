"""The class of an object: which of its parts names it."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.formats.categories import class_key, person_like
from reconciler.formats.objects import ImageObject
from reconciler.model.json import JSONObject


def class_of(
    found: ImageObject, skeletons: Mapping[str, JSONObject], categories: Mapping[int, JSONObject]
) -> str | None:
    """The class of the part that is no joint; a pose without one is named by import, group, or skeleton.

    skeletons: declared, class → its joints under `keypoints`. categories: rows that came with the picture's import.
    """
    body = found.body
    if body is not None:
        return class_key(body.class_name) if body.class_name and body.class_name.strip() else None
    if found.record:
        row = categories.get(found.record.get("category_id", -1))
        if row is not None:
            return class_key(row["name"])
    said = found.group.rest.get("class") if found.group else None
    if isinstance(said, str) and said.strip():
        return class_key(said)
    joints = [p.class_name for p in found.points]
    if found.group is None:
        return class_key(joints[0]) if joints[0] else None
    names = {j for j in joints if j}
    for name, skeleton in sorted(skeletons.items()):
        if names <= set(skeleton.get("keypoints", ())):
            return class_key(name)
    return "person" if person_like(names) else "keypoints"
