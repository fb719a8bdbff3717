"""Files of ours as file handles of the service, for what is no file entity."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

from reconciler.errors import Problem, SourceError
from reconciler.model.checksum import Checksum
from reconciler.model.resource import LocalFile
from reconciler.model.unit import FileRef
from reconciler.providers.base import ignore_bytes
from reconciler.providers.sage.upload import Uploads


@dataclass(frozen=True, slots=True)
class _OneFile:
    """See `Content`: always the one file."""

    file: LocalFile

    def open(self, file: FileRef) -> BinaryIO:
        """The whole file, checked. Raises SourceError when it is not as it was when the documents were read."""
        try:
            content = self.file.path.read_bytes()
        except OSError as exc:
            raise SourceError([Problem(f"{file.path} cannot be read: {exc.strerror}", fix="plan again")]) from exc
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != self.file.md5:
            raise SourceError([Problem(f"{file.path} changed since the plan was made", fix="plan again")])
        return io.BytesIO(content)


def send(uploads: Uploads, file: LocalFile, folder_id: str) -> str:
    """The id of a file handle with these bytes. folder_id: whose storage location holds."""
    name = file.path.name
    ref = FileRef("", 0, name, file.size_bytes, Checksum("md5", file.md5))
    return uploads.send(ref, name, None, folder_id, _OneFile(file), ignore_bytes)
