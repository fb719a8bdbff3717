"""The data type of an entity: whether those who may see it may download it too."""

from __future__ import annotations

from typing import Final

from reconciler.backend.sage.call import Call, fresh_etag, reply, syn
from reconciler.backend.sage.errors import bad, forbidden
from reconciler.backend.sage.nodes import OPEN_DATA, readable_node
from reconciler.backend.sage.principals import COMPLIANCE_TEAM
from reconciler.backend.sage.routes import writes
from reconciler.backend.wire import Response

_TYPES: Final = (OPEN_DATA, "SENSITIVE_DATA")


def put(call: Call) -> Response:
    """`PUT /entity/{id}/datatype?type=`: only the compliance team opens data."""
    node, kind = readable_node(call, "UPDATE"), call.query.text("type") or ""
    if kind not in _TYPES:
        raise bad(f"type is one of {', '.join(_TYPES)}.")
    if kind == OPEN_DATA and not (call.caller.is_admin or COMPLIANCE_TEAM in call.caller.groups):
        raise forbidden(f"Only the Synapse Access and Compliance Team can set the data type {OPEN_DATA}.")
    call.db.execute(
        "INSERT INTO sage_data_types (entity_id, data_type) VALUES (?, ?)"
        " ON CONFLICT (entity_id) DO UPDATE SET data_type = excluded.data_type",
        (node["id"], kind),
    )
    return reply(
        {
            "objectId": syn(node["id"]),
            "objectType": "ENTITY",
            "dataType": kind,
            "etag": fresh_etag(),
            "updatedBy": str(call.caller.id),
            "updatedOn": call.now,
        }
    )


ROUTES: Final = (writes("PUT", "/entity/{id}/datatype", put),)
