"""The configuration language: YAML documents → checked, frozen values.

`load` reads a workspace; `schema_text` gives the JSON Schemas; `format_text` and `check_format` serve `reconciler fmt`.
Heavy packages are imported when they are needed.
"""

from reconciler.config.formatting import check_format, format_text
from reconciler.config.loading import load
from reconciler.config.schema import schema_text

__all__ = ["check_format", "format_text", "load", "schema_text"]
