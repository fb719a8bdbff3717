"""Files in cells of tables of the Sage dialect: who may put them there, and who gets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import Sage, User
from tests.unit.backend.sage.table_session import append, column, table


@pytest.fixture
def files(sage: Sage) -> tuple[str, str, str]:
    """A table with a file of its owner's in its one cell: table, column, handle."""
    kind = column(sage.owner, "file", "FILEHANDLEID")
    top = sage.owner.entity("Project", "atlas")["id"]
    made = str(table(sage.owner, top, kind)["id"])
    handle = sage.owner.upload(b"scan")
    append(sage.owner, made, [{"cells": {kind["id"]: handle}}])
    return made, kind["id"], handle


def share(sage: Sage, entity: str, *access: str) -> None:
    top = sage.owner.ok("GET", f"/entity/{entity}")["parentId"]
    acl = sage.owner.ok("GET", f"/entity/{top}/acl")
    acl["resourceAccess"].append({"principalId": 3000002, "accessType": list(access)})
    sage.owner.ok("PUT", f"/entity/{top}/acl", json=acl)


def code(user: User, entity: str, handle: str) -> str | None:
    """Why a user does not get a file of a table; None when it does."""
    asked = {"fileHandleId": handle, "associateObjectId": entity, "associateObjectType": "TableEntity"}
    body: dict[str, Any] = {"includePreSignedURLs": True, "requestedFiles": [asked]}
    [found] = user.ok("POST", "/fileHandle/batch", 201, json=body)["requestedFiles"]
    return found.get("failureCode")


@pytest.mark.parametrize(
    ("access", "expected", "reason"),
    [
        (("READ", "DOWNLOAD"), None, "as for a query"),
        (("READ",), "UNAUTHORIZED", "no right to download"),
    ],
)
def test_file_of_a_cell_is_for_whoever_may_download_the_table(sage, files, access, expected, reason):
    share(sage, files[0], *access)
    assert code(sage.other, files[0], files[2]) == expected, reason


def test_file_that_no_cell_has_is_not_given(sage, files):
    share(sage, files[0], "READ", "DOWNLOAD")
    assert code(sage.other, files[0], sage.owner.upload(b"elsewhere")) == "UNAUTHORIZED"


def test_file_of_a_cell_that_changed_is_still_given_for_older_versions(sage, files):
    share(sage, files[0], "READ", "DOWNLOAD")
    append(sage.owner, files[0], [{"rowId": 1, "cells": {files[1]: sage.owner.upload(b"new scan")}}])
    assert code(sage.other, files[0], files[2]) is None


def test_nobody_puts_files_of_others_into_a_table(sage, files):
    share(sage, files[0], "READ", "UPDATE", "DOWNLOAD")
    foreign = sage.owner.upload(b"secret")
    found = append(sage.other, files[0], [{"cells": {files[1]: foreign}}], status=403)
    assert foreign in found["reason"]
    assert code(sage.other, files[0], foreign) == "UNAUTHORIZED"


def test_file_that_the_table_has_may_be_put_into_another_row_by_everybody(sage, files):
    share(sage, files[0], "READ", "UPDATE", "DOWNLOAD")
    append(sage.other, files[0], [{"cells": {files[1]: files[2]}}])


def test_file_of_a_cell_cannot_be_deleted(sage, files):
    assert "linked" in sage.owner.fails("DELETE", f"/fileHandle/{files[2]}", 409)
