"""Verdicts on the content of files: remembered between runs, and told to people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from reconciler.content.judging import Breach
from reconciler.errors import Location, Problem, Severity
from reconciler.model.content import Check
from reconciler.model.resource import AssetSet
from reconciler.model.unit import FileRef
from reconciler.sources.account import Tallies, listed, plural
from reconciler.sources.cache import DigestCache
from reconciler.sources.file_rules import FileRules
from reconciler.sources.location import locate

# So many files that break one rule are told one by one; the rest is counted.
SHOWN = 20
_FIXES: Mapping[Check, str] = {
    Check.SIZE: "exclude the file, or change the limit",
    Check.BLANK: "restore the file from where it came from, or exclude it",
    Check.TYPE: "repair or rename the file",
    Check.EXECUTABLES: "exclude the file",
    Check.CREDENTIALS: "take them out and revoke them",
    Check.IDENTITY: "de-identify the file, or keep an attribute with content.identity.keep",
    Check.DIMENSIONS: "exclude the file, or change the limit",
    Check.DECODING: "repair the file, or exclude it",
}
_Key = tuple[int, str]


class Verdicts:
    """What is known of the content of files, and the report on it.

    refused: breaches of rules that refuse the plan, up to `SHOWN` for each; warned: those of other rules, and what
    could not be checked. Both are complete after `close`.
    """

    def __init__(self, rules: FileRules, cache: DigestCache, asset_set: AssetSet) -> None:
        self.rules = rules
        self.refused: list[Problem] = []
        self.warned: list[Problem] = []
        self._cache = cache
        folder = asset_set.head.folder
        self._places = tuple(locate(source.url, folder, source.options) for source in asset_set.sources)
        self._address = str(asset_set.head.address)
        self._counts: Counter[tuple[Check, Severity]] = Counter()
        self._unchecked: dict[Check, Tallies] = {}

    def known(self, files: Mapping[_Key, FileRef], stamps: Mapping[_Key, str]) -> dict[_Key, tuple[Breach, ...]]:
        """Verdicts that need no reading: those of an earlier run, and on files that nothing looks at."""
        found: dict[_Key, tuple[Breach, ...]] = {}
        asked: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for key, file in files.items():
            rules = self.rules.of(file)
            if rules is None:
                found[key] = ()
            elif stamp := stamps.get(key):
                asked.setdefault((file.source, rules.name), []).append((file.path, stamp))
        for (source, name), wanted in asked.items():
            known = self._cache.look_up_verdicts(self._places[source].identity, name, wanted)
            found |= {(source, path): _decoded(text) for path, text in known.items()}
        return found

    def store(self, fresh: Iterable[tuple[FileRef, str, tuple[Breach, ...]]]) -> None:
        """Remember verdicts: (file, its stamp, what is wrong)."""
        grouped: dict[tuple[int, str], dict[str, tuple[str, str]]] = {}
        for file, stamp, breaches in fresh:
            if rules := self.rules.of(file):
                grouped.setdefault((file.source, rules.name), {})[file.path] = (stamp, _encoded(breaches))
        for (source, name), verdicts in grouped.items():
            self._cache.store_verdicts(self._places[source].identity, name, verdicts)

    def tell(self, key: str, file: FileRef, breaches: Iterable[Breach]) -> None:
        """Report what is wrong with a file of a unit, as its rules have it."""
        rules = self.rules.specifications.get(file.spec)
        for breach in breaches:
            severity = rules.severity(breach.check, file.path) if rules else None
            if severity is None:
                continue
            shown = self._places[file.source].show(file.path)
            if breach.is_unchecked:
                self._unchecked.setdefault(breach.check, Tallies()).add(breach.found, shown)
                continue
            self._counts[breach.check, severity] += 1
            if self._counts[breach.check, severity] <= SHOWN:
                self._list(severity).append(self._problem(key, file, breach, severity, shown))

    def close(self) -> None:
        """Add what was only counted."""
        for (check, severity), count in sorted(self._counts.items()):
            if count > SHOWN:
                what = f"{count - SHOWN:,} more files break content.{check} and are not listed"
                detail = f"{count:,} files break it in all."
                self._list(severity).append(Problem(what, None, detail, _FIXES[check], severity, self._address))
        for check, tallies in sorted(self._unchecked.items()):
            for tally in tallies.freeze():
                what = f"content.{check} was not checked for {plural(tally.count, 'file')}: {tally.label}"
                detail = f"{listed(tally.samples, tally.count)}."
                self.warned.append(Problem(what, None, detail, "", Severity.WARNING, self._address))

    @property
    def notes(self) -> list[str]:
        """One sentence for each rule that was broken."""
        return [
            f"{plural(count, 'file breaks', 'files break')} content.{check} "
            f"({'the plan is refused' if severity is Severity.ERROR else 'warning'})"
            for (check, severity), count in sorted(self._counts.items())
        ]

    def _list(self, severity: Severity) -> list[Problem]:
        return self.refused if severity is Severity.ERROR else self.warned

    def _problem(self, key: str, file: FileRef, breach: Breach, severity: Severity, shown: str) -> Problem:
        what = f"{file.spec} of unit {key!r} breaks content.{breach.check}: {breach.found}"
        fix = f"{_FIXES[breach.check]}; or list its path in content.{breach.check}.allow"
        return Problem(what, Location(shown), f"Allowed: {breach.allowed}.", fix, severity, self._address)


def _encoded(breaches: tuple[Breach, ...]) -> str:
    return json.dumps([asdict(breach) for breach in breaches], ensure_ascii=False) if breaches else ""


def _decoded(text: str) -> tuple[Breach, ...]:
    return tuple(Breach(**{**item, "check": Check(item["check"])}) for item in json.loads(text)) if text else ()
