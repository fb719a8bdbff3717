"""The list of services. A service is a module with `ROUTES`; a new one is added here and nowhere else.

`BYTES` are operations whose URL is the permission: they are outside the three roots, need no token, and take names as
they come.
"""

from __future__ import annotations

from typing import Final

from reconciler.backend.routing import Route
from reconciler.backend.sage import (
    activities,
    blob_urls,
    bundles,
    columns,
    data_types,
    derived_annotations,
    docker,
    download_lists,
    downloads,
    entities,
    entity_acls,
    entity_annotations,
    entity_json,
    evaluations,
    external_handles,
    file_handles,
    forms,
    job_kinds,
    lookup,
    memberships,
    messages,
    multipart_uploads,
    project_settings,
    restrictions,
    schema_bindings,
    schema_organizations,
    schemas,
    storage_locations,
    submission_eligibility,
    submission_status,
    submissions,
    table_snapshots,
    table_transactions,
    team_members,
    teams,
    trash,
    users,
    versions,
    view_columns,
    wiki_files,
    wiki_pages,
    wiki_texts,
)
from reconciler.backend.sage.routes import SageRoute

_SERVICES: Final = (
    storage_locations,
    project_settings,
    multipart_uploads,
    job_kinds,
    file_handles,
    external_handles,
    downloads,
    users,
    entities,
    entity_annotations,
    derived_annotations,
    data_types,
    entity_json,
    bundles,
    entity_acls,
    lookup,
    versions,
    activities,
    trash,
    columns,
    view_columns,
    table_transactions,
    table_snapshots,
    schema_organizations,
    schemas,
    schema_bindings,
    teams,
    team_members,
    memberships,
    evaluations,
    submissions,
    submission_status,
    submission_eligibility,
    wiki_pages,
    wiki_texts,
    wiki_files,
    messages,
    forms,
    docker,
    restrictions,
    download_lists,
)

ROUTES: Final[tuple[SageRoute, ...]] = tuple(route for service in _SERVICES for route in service.ROUTES)
BYTES: Final[tuple[Route, ...]] = blob_urls.BYTES
