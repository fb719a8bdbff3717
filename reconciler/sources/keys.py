"""The key of the unit that a file belongs to, by layout or by an explicit regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from string import Formatter

from reconciler.errors import Problem, SourceError
from reconciler.model.resource import AssetSet, KeyRule, Layout
from reconciler.sources.names import nfc

# (prefix of the folder below the root, stem of the file, file name) → key, or None when the file has no unit
KeyFunction = Callable[[str, str, str], str | None]


def key_function(asset_set: AssetSet) -> KeyFunction:
    """Return the function that gives keys for this asset set; keys are NFC, folded unless `caseSensitive`.

    Raises:
        SourceError: the key's regular expression or template is wrong.
    """
    if asset_set.key_rule is not None:
        base = _by_regex(asset_set, asset_set.key_rule)
    else:
        base = _BY_LAYOUT[asset_set.layout]
    return base if asset_set.case_sensitive else _folded(base)


def missing_key_reason(asset_set: AssetSet) -> str:
    """Why a file got no key, as a reason for the account."""
    if asset_set.key_rule is not None:
        return f"the key's regex {asset_set.key_rule.regex!r} does not match"
    return "lies at the top, while units are folders"


def normalised_key(text: str, asset_set: AssetSet) -> str:
    """Bring a key from elsewhere (a table) into the form that unit keys have."""
    key = nfc(text)
    return key if asset_set.case_sensitive else nfc(key.casefold())


def _stem(_prefix: str, stem: str, _name: str) -> str | None:
    return nfc(stem)


def _top_folder(prefix: str, _stem: str, _name: str) -> str | None:
    return nfc(prefix[: prefix.index("/")]) if prefix else None


def _path(prefix: str, _stem: str, name: str) -> str | None:
    return nfc(prefix + name)


def _file_name(_prefix: str, _stem: str, name: str) -> str | None:
    return nfc(name)


_BY_LAYOUT: Mapping[Layout, KeyFunction] = {
    Layout.DIRECTORIES: _top_folder,
    Layout.STEMS: _stem,
    Layout.PATHS: _path,
    Layout.NAMES: _file_name,
}


def _folded(base: KeyFunction) -> KeyFunction:
    def key(prefix: str, stem: str, name: str) -> str | None:
        found = base(prefix, stem, name)
        return None if found is None else nfc(found.casefold())

    return key


def _by_regex(asset_set: AssetSet, rule: KeyRule) -> KeyFunction:
    pattern, fill = _compile(asset_set, rule)

    def key(prefix: str, _stem: str, name: str) -> str | None:
        match = pattern.search(nfc(prefix + name))
        return (nfc(fill(match)) or None) if match else None

    return key


def _compile(asset_set: AssetSet, rule: KeyRule) -> tuple[re.Pattern[str], Callable[[re.Match[str]], str]]:
    try:
        pattern = re.compile(nfc(rule.regex))
        return pattern, _template(rule.template, pattern)
    except (re.error, ValueError) as error:
        fix = "use groups of the regex, as in regex '(.+?)/img/' with template '{1}'"
        what = f"units.key cannot be used: {error}"
        problem = Problem(what, asset_set.head.location, fix=fix, address=str(asset_set.head.address))
        raise SourceError([problem]) from error


def _template(template: str, pattern: re.Pattern[str]) -> Callable[[re.Match[str]], str]:
    """Compile a template of literal text and {group} fields; {group_key} stands for the first group."""
    parts: list[tuple[str, str | int | None]] = []
    for literal, field, spec, conversion in Formatter().parse(template):
        if spec or conversion:
            raise ValueError(f"template {template!r} has a format or conversion; only {{group}} is allowed")
        parts.append((literal, None if field is None else _group(field, pattern)))
    if not any(group is not None for _, group in parts):
        raise ValueError(f"template {template!r} names no group, so every unit would have the same key")
    return lambda match: "".join(text + ("" if group is None else match[group] or "") for text, group in parts)


def _group(field: str, pattern: re.Pattern[str]) -> str | int:
    if field in pattern.groupindex:
        return field
    if field == "group_key" and pattern.groups:
        return 1
    if field.isdecimal() and int(field) <= pattern.groups:
        return int(field)
    known = [str(n) for n in range(1, pattern.groups + 1)] + list(pattern.groupindex)
    raise ValueError(f"the regex has no group {field!r}; it has {', '.join(known) or 'none'}")
