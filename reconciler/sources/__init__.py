"""Sources of files and metadata: survey, group, check, hash, open, explore."""

from reconciler.sources.account import Account, Fault, Finding, Tally
from reconciler.sources.assembly import Assembly, describe
from reconciler.sources.cache import DigestCache
from reconciler.sources.changed import ChangedFolder, ChangedUnits
from reconciler.sources.content import SourceContent
from reconciler.sources.explore import Exploration, explore
from reconciler.sources.file_rules import FileRules, file_rules
from reconciler.sources.hashing import hash_units
from reconciler.sources.survey import Survey, survey
from reconciler.sources.table import MetadataTable, read_metadata
from reconciler.sources.verdicts import Verdicts
from reconciler.sources.visibility import check_sources_visible

__all__ = [
    "Account",
    "Assembly",
    "ChangedFolder",
    "ChangedUnits",
    "DigestCache",
    "Exploration",
    "Fault",
    "FileRules",
    "Finding",
    "MetadataTable",
    "SourceContent",
    "Survey",
    "Tally",
    "Verdicts",
    "check_sources_visible",
    "describe",
    "explore",
    "file_rules",
    "hash_units",
    "read_metadata",
    "survey",
]
