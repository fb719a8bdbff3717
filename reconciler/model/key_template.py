"""Templates that make keys of units from columns of a table: `{column}`, or `{column:04}` padded with zeros."""

from __future__ import annotations

import re
from collections.abc import Mapping

_FIELD = re.compile(r"\{([^{}:]+)(?::0?([0-9]{1,2}))?\}")


def template_fields(template: str) -> tuple[str, ...]:
    """Names of the columns, each once, in order."""
    return tuple(dict.fromkeys(match[1] for match in _FIELD.finditer(template)))


def template_rest(template: str) -> str:
    """What is left of a template without its fields; braces in it belong to no field."""
    return _FIELD.sub("", template)


def fill_template(template: str, texts: Mapping[str, str]) -> str:
    """The template with these texts, by name of the column."""
    return _FIELD.sub(lambda field: texts[field[1]].zfill(int(field[2] or 0)), template)
