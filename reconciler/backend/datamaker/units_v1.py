"""Data units in v1: `/data_units/`, created one or many at a time and read with their files."""

from __future__ import annotations

import threading

from reconciler.backend.database import Row, scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import check_bulk
from reconciler.backend.datamaker.listing import Selection, id_filters, v1_page
from reconciler.backend.datamaker.revisions import collection_etag, etag_headers, not_modified
from reconciler.backend.datamaker.unit_creation import create_units
from reconciler.backend.datamaker.unit_rows import UNIT_COLUMNS, FileTexts, unit_texts
from reconciler.backend.datamaker.units import BULK_LIMIT, SOURCE
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, invalid


class _Counts:
    """Counts of whole collections, remembered by ETag, so that reading all pages counts once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, tuple[str, int]] = {}

    def of(self, call: Call, collection: int, etag: str) -> int:
        with self._lock:
            known = self._known.get(collection)
        if known is None or known[0] != etag:
            known = (etag, int(scalar(call.db, "SELECT count(*) FROM units WHERE collection_id = ?", (collection,))))
            with self._lock:
                self._known[collection] = known
                if len(self._known) > 1000:
                    self._known.clear()
        return known[1]


_COUNTS = _Counts()  # safe to share between stores: an ETag holds a random stamp, so it never names two contents


def files_of(call: Call) -> FileTexts:
    """Writer of files for this request."""
    return FileTexts(call.db, call.request.base_url, call.store.signer)


def list_v1(call: Call) -> Response:
    """`GET /data_units/`; with `data_collection` it carries an ETag and may answer 304."""
    where, values = id_filters(call, "u.id")
    collection = call.query.integer("data_collection")
    etag = None if collection is None else collection_etag(call, collection)
    if collection is None:
        chosen = Selection(UNIT_COLUMNS, SOURCE, "u.id", ("c.tenant_id = ?", *where), (call.tenant, *values))
    elif etag is None:
        chosen = Selection(UNIT_COLUMNS, "units u", "u.id", ("1 = 0",), ())
    else:
        chosen = Selection(UNIT_COLUMNS, "units u", "u.id", ("u.collection_id = ?", *where), (collection, *values))
    return not_modified(call, etag) or _page(call, chosen, collection, None if where else etag, etag)


def _page(call: Call, chosen: Selection, collection: int | None, countable: str | None, etag: str | None) -> Response:
    def count() -> int:
        if collection is None or countable is None:
            return chosen.count(call.db)
        return _COUNTS.of(call, collection, countable)

    page = v1_page(call, chosen, count)
    text = page.around(f"[{','.join(unit_texts(page.rows, files_of(call)))}]")
    return call.reply_text(text, headers=etag_headers(etag))


def read_units(call: Call, units: list[int]) -> dict[int, str]:
    """Units of the caller's tenant by id, as JSON text."""
    rows: list[Row] = []
    for start in range(0, len(units), 500):
        some = units[start : start + 500]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT {UNIT_COLUMNS} FROM {SOURCE} WHERE c.tenant_id = ? AND u.id IN ({marks})"
        rows += call.db.execute(sql, (call.tenant, *some)).fetchall()
    return dict(zip((row["id"] for row in rows), unit_texts(rows, files_of(call)), strict=True))


def get(call: Call) -> Response:
    """`GET /data_units/{id}/`."""
    unit = call.id()
    row = call.find(
        "The data unit", f"SELECT {UNIT_COLUMNS} FROM {SOURCE} WHERE u.id = ? AND c.tenant_id = ?", (unit, call.tenant)
    )
    return call.reply_text(unit_texts([row], files_of(call))[0])


def create(call: Call) -> Response:
    """`POST /data_units/`: an object gives an object, an array gives an array in the same order; all or none."""
    body = call.request.json()
    wanted = body if isinstance(body, list) else [body]
    check_bulk("units", wanted, most=BULK_LIMIT)
    made: dict[int, int] = {}
    for collection, indices in _by_collection(wanted).items():
        found = create_units(call, collection, [wanted[index] for index in indices])
        made.update(zip(indices, (one.id for one in found), strict=True))
    texts = read_units(call, sorted(set(made.values())))
    ordered = [texts[made[index]] for index in range(len(wanted))]
    return call.reply_text(f"[{','.join(ordered)}]" if isinstance(body, list) else ordered[0], 201)


def _by_collection(wanted: list[object]) -> dict[int, list[int]]:
    """Indices of the units by collection. Raises `ApiError` 400 for units that name none."""
    found: dict[int, list[int]] = {}
    errors = []
    for index, unit in enumerate(wanted):
        collection = unit.get("data_collection") if isinstance(unit, dict) else None
        if type(collection) is int:
            found.setdefault(collection, []).append(index)
        else:
            errors.append(FieldError(f"units[{index}].data_collection", "must be the id of a data collection"))
    if errors:
        raise invalid(errors)
    return found


ROUTES = (
    Route("GET", "/data_units/", list_v1),
    Route("POST", "/data_units/", create, Work.WRITE, "create"),
    Route("GET", "/data_units/{id}/", get),
)
