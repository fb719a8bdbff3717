"""Files of a collection: read, created, edited in place, deleted. Each is one entity, found by where it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.errors import BackendError, Conflict, Denied, Invalid, NotFound, ReconcilerError, Transient
from reconciler.model.json import JSON
from reconciler.model.observed import ObservedUnit
from reconciler.model.unit import FileRef
from reconciler.providers.base import Content, RowOutcome, UnitDraft, UnitEdit
from reconciler.providers.http import HttpClient
from reconciler.providers.sage import entities, provenance, values
from reconciler.providers.sage.tree import Tree
from reconciler.providers.sage.upload import Uploads
from reconciler.providers.sage.wire import EXTERNAL, FILE, Row, text_in

SPEC = "file"
_READINGS = 4  # of an entity that others keep writing to


@dataclass(frozen=True, slots=True)
class Files:
    """What writing files of one collection takes."""

    client: HttpClient
    uploads: Uploads
    tree: Tree
    content: Content | None
    progress: Callable[[int], None]

    # -- creating

    def create(self, draft: UnitDraft) -> RowOutcome:
        """Upload and create one file with all that belongs to it; a folder that others removed is made again."""
        key = draft.address.key or ""
        try:
            try:
                return self._create(draft)
            except NotFound:
                self.tree.forget()
                return self._create(draft)
        except ReconcilerError as error:
            return RowOutcome(key, error=row_error(error))

    def _create(self, draft: UnitDraft) -> RowOutcome:
        folder, _, name = (draft.address.key or "").rpartition("/")
        parent_id = self.tree.ensure(folder, draft.address)
        handle_id = self._stored(draft.files, draft.attributes, name, parent_id)
        declared = draft.attributes.get("provenance")
        activity = provenance.create(self.client, declared) if declared else None
        entity: Row = {"concreteType": FILE, "name": name, "parentId": parent_id, "dataFileHandleId": handle_id}
        entity |= _texts(draft.attributes)
        try:
            made = entities.create_bundle(
                self.client, entity, values.to_wire(draft.meta), str(activity["id"]) if activity else None
            )
        except (Conflict, Transient) as error:
            return self._looked_after(draft, parent_id, name, handle_id, error)
        found = from_bundle(entities.object_of(made), made, draft.address.key)
        attributes = dict(found.attributes) | dict(_of_draft(draft, activity))
        return RowOutcome(draft.address.key or "", found.remote_id, attributes=attributes, token=found.token)

    def _looked_after(
        self, draft: UnitDraft, parent_id: str, name: str, handle_id: str, error: ReconcilerError
    ) -> RowOutcome:
        """Settle what a create did; what cannot be found out now is `Transient`, for the file may be there and ours."""
        try:
            return self._settled(draft, parent_id, name, handle_id, error)
        except Conflict:
            raise
        except BackendError as lost:
            raise Transient(f"it is not known whether the file was made: {lost.message}", status=lost.status) from lost

    def _settled(
        self, draft: UnitDraft, parent_id: str, name: str, handle_id: str, error: ReconcilerError
    ) -> RowOutcome:
        """What a create did whose answer was lost, or that found its place taken: look, and adopt by rule.

        An entity with the very file handle that we have just made is ours.
        """
        there = entities.child(self.client, parent_id, name)
        if there is None:
            raise error
        found = entities.object_of(entities.bundle(self.client, there))
        if found.get("concreteType") != FILE:
            raise Conflict(f"{name!r} is there and is no file ({there})", fix="rename or remove one of the two")
        if str(found.get("dataFileHandleId")) != handle_id and not draft.adopt:
            fix = "set lifecycle.onExists: adopt to take it over"
            raise Conflict(f"a file of that name is there already ({there}) and is nobody's", fix=fix)
        edit = UnitEdit(there, draft.address, draft.meta, files=draft.files, attributes=draft.attributes)
        return replace(self._insisted(edit), adopted=True)

    def _stored(self, files: Sequence[FileRef], attributes: Mapping[str, JSON], name: str, parent_id: str) -> str:
        """The file handle of the content: of a link, or of uploaded bytes."""
        kind, url = attributes.get("contentType"), attributes.get("externalURL")
        if url is not None:
            checksum = files[0].checksum.hex if files and files[0].checksum else None
            return self.uploads.external(url, name, kind, checksum)
        if len(files) != 1 or files[0].spec != SPEC or self.content is None:
            raise Invalid("a unit is exactly one file here", fix="give one file under the specification 'file'")
        return self.uploads.send(files[0], name, kind, parent_id, self.content, self.progress)

    # -- editing

    def edit(self, edit: UnitEdit) -> RowOutcome:
        """Write what differs. When the entity changed meanwhile it is read and compared again.

        That is also how a write ends whose answer was lost: repeated, it is refused, and then nothing differs.
        """
        try:
            return self._insisted(edit)
        except ReconcilerError as error:
            return RowOutcome(edit.address.key or "", error=row_error(error))

    def _insisted(self, edit: UnitEdit) -> RowOutcome:
        for _ in range(_READINGS - 1):
            try:
                return self._edited(edit)
            except Conflict as error:
                if error.status != 412:
                    raise
        return self._edited(edit)

    def _edited(self, edit: UnitEdit) -> RowOutcome:
        there = entities.bundle(self.client, edit.remote_id)
        entity = entities.object_of(there)
        handle = handle_of(entity, there)
        folder, _, name = (edit.address.key or "").rpartition("/")
        parent_id = self.tree.ensure(folder, edit.address)
        handle_id, rewritten = self._content(edit, handle, name, parent_id)
        wanted = entity | {"name": name, "parentId": parent_id, "dataFileHandleId": handle_id}
        wanted |= _texts(edit.attributes)
        for gone in set(edit.drop_attributes) & {"description"}:
            wanted.pop(gone, None)
        if rewritten and "versionLabel" not in edit.attributes:
            wanted.pop("versionLabel", None)
        declared = edit.attributes.get("provenance")
        activity: Row | None = there.get("activity")
        if rewritten:
            wanted.pop("versionComment", None)
            activity = provenance.create(self.client, declared) if declared else None
        written = entity
        if wanted != entity:
            made_by = str(activity["id"]) if rewritten and activity else None
            written = entities.put_entity(self.client, wanted, new_version=rewritten, activity_id=made_by)
            if entity.get("parentId") != parent_id:
                self.tree.left(self.tree.path_of(str(entity.get("parentId"))) or "")
        token: str | None = entities.token_of(written)
        if self._write_annotations(edit, written, there):
            token = None
        if not rewritten and (declared or "provenance" in edit.drop_attributes):
            current = self._provenance(edit.remote_id, activity, declared)
            token = token if current is activity else None
            activity = current
        found = from_bundle(written, there | {"activity": activity}, edit.address.key)
        seen = dict(found.attributes) | self._seen_handle(edit, handle_id, handle)
        return RowOutcome(edit.address.key or "", edit.remote_id, attributes=seen, token=token)

    def _content(self, edit: UnitEdit, handle: Row, name: str, parent_id: str) -> tuple[str, bool]:
        """The file handle to have, and whether it is other content, which makes a version."""
        held = str(handle.get("id") or "")
        kind, url = edit.attributes.get("contentType"), edit.attributes.get("externalURL")
        if url is not None and url == handle.get("externalURL"):
            return held, False
        if url is not None or (edit.files and not _is_held(edit.files, handle)):
            return self._stored(edit.files or (), edit.attributes, name, parent_id), True
        if kind is not None and kind != handle.get("contentType") and handle.get("concreteType") != EXTERNAL:
            return self.uploads.retyped(held, edit.remote_id, kind), False
        return held, False

    def _write_annotations(self, edit: UnitEdit, entity: Row, there: Row) -> bool:
        before = dict((there.get("annotations") or {}).get("annotations") or {})
        before = {key: {"type": entry.get("type"), "value": entry.get("value")} for key, entry in before.items()}
        after = {key: entry for key, entry in before.items() if key not in edit.drop}
        current = values.from_wire(before)
        wire = values.to_wire(edit.meta)
        after |= {key: entry for key, entry in wire.items() if current.get(key) != values.from_wire({key: entry})[key]}
        if after == before:
            return False
        etag = text_in(entity, "etag", "PUT /entity")
        entities.put_annotations(self.client, edit.remote_id, etag, after)
        return True

    def _provenance(self, entity_id: str, activity: Row | None, declared: JSON) -> Row | None:
        """Make the activity of the current version say what is declared; equal ones cost nothing."""
        if declared is None:
            if activity is not None:
                provenance.unlink(self.client, entity_id)
            return None
        if activity is not None and provenance.agrees(activity, declared):
            return activity
        rewritten = provenance.rewrite(self.client, activity, declared) if activity is not None else None
        if rewritten is not None:
            return rewritten
        made = provenance.create(self.client, declared)
        provenance.link(self.client, entity_id, made)
        return made

    def _seen_handle(self, edit: UnitEdit, handle_id: str, handle: Row) -> dict[str, JSON]:
        """Attributes that belong to a file handle which has just been made."""
        names = ("contentType", "externalURL") if handle_id != str(handle.get("id") or "") else ()
        return {name: edit.attributes[name] for name in names if name in edit.attributes}


def row_error(error: ReconcilerError) -> ReconcilerError:
    """Who may not write one entity may still write others: only a refused token ends everything."""
    if isinstance(error, Denied) and error.status == 403:
        return Invalid(error.message, status=403, fix="ask for the right to change it, or leave it out")
    return error


def _texts(attributes: Mapping[str, JSON]) -> Row:
    return {name: attributes[name] for name in ("description", "versionLabel") if name in attributes}


def _is_held(files: Sequence[FileRef], handle: Row) -> bool:
    checksum = files[0].checksum
    return checksum is not None and checksum.hex == handle.get("contentMd5") and "externalURL" not in handle


def _of_draft(draft: UnitDraft, activity: Row | None) -> dict[str, JSON]:
    """Attributes that the answer to a create does not tell."""
    names = (name for name in ("contentType", "externalURL") if name in draft.attributes)
    return {name: draft.attributes[name] for name in names} | (
        {"provenance": provenance.from_wire(activity)} if activity else {}
    )


def handle_of(entity: Row, there: Row) -> Row:
    """The file handle of an entity, {} when we may not see it."""
    handle_id = str(entity.get("dataFileHandleId"))
    handles = (row for row in there.get("fileHandles") or () if isinstance(row, dict))
    return next((row for row in handles if str(row.get("id")) == handle_id), {})


def from_bundle(entity: Row, there: Row, key: str | None) -> ObservedUnit:
    """Read a bundle of a file."""
    handle = handle_of(entity, there)
    md5 = handle.get("contentMd5")
    attributes = {name: entity[name] for name in ("description", "versionLabel") if entity.get(name) is not None}
    attributes |= {name: handle[name] for name in ("contentType", "externalURL") if handle.get(name) is not None}
    if there.get("activity"):
        attributes["provenance"] = provenance.from_wire(there["activity"])
    return ObservedUnit(
        remote_id=text_in(entity, "id", "bundle2"),
        owner=None,
        checksums={SPEC: str(md5)} if md5 else {},
        meta=values.from_wire((there.get("annotations") or {}).get("annotations")),
        attributes=attributes,
        key=key,
        token=entities.token_of(entity),
    )


def read_one(client: HttpClient, unit: ObservedUnit) -> ObservedUnit | None:
    """Complete an outline; None when it is gone meanwhile."""
    try:
        there = entities.bundle(client, unit.remote_id)
    except NotFound:
        return None
    return from_bundle(entities.object_of(there), there, unit.key)


def delete_one(client: HttpClient, key: str, remote_id: str) -> RowOutcome:
    """To the trash."""
    try:
        entities.delete(client, remote_id)
    except BackendError as error:
        return RowOutcome(key, error=row_error(error))
    return RowOutcome(key, remote_id)
