"""What the kinds of objects speak through: the two services, uploads, and who is who."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.providers.http import HttpClient
from reconciler.providers.sage.people import People
from reconciler.providers.sage.upload import Uploads


@dataclass(frozen=True, slots=True)
class Calls:
    """repo: nearly everything. uploads: brings files to the service. people: users and teams by name and id."""

    repo: HttpClient
    uploads: Uploads
    people: People
