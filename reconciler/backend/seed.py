"""The seed document: settings, tenants, users and tokens that no API creates. Applied at every start, idempotent.

A token's text is not kept, only its hash; removing a user or token from the seed does not remove it from the store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.backend.database import one
from reconciler.backend.datamaker.accounts import hash_password, is_password
from reconciler.backend.sage.call import iso
from reconciler.backend.sage.seed_part import SageUser, apply_users
from reconciler.backend.store import (
    DEFAULT_MULTIPART_THRESHOLD,
    Settings,
    Store,
    add_membership,
    add_tenant,
    add_token,
    add_user,
    write_setting,
)
from reconciler.errors import ConfigError, Location, Problem

PROVIDERS: Final = ("amazon_s3", "s3", "minio", "gcp", "gcs", "azure")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_USER_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_TOKEN: Final = re.compile(r"[!-~]{8,200}")


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A user to get or create. password: None leaves it alone; tokens are valid for the first tenant."""

    email: str
    name: str
    tenants: tuple[str, ...]
    password: str | None = field(default=None, repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Seed:
    """A checked seed document. tenants: code → name. sage: users of the other dialect."""

    settings: Settings
    tenants: Mapping[str, str]
    users: tuple[SeedUser, ...]
    sage: tuple[SageUser, ...] = ()

    @property
    def has_tokens(self) -> bool:
        """Whether anyone can get in by what the seed says."""
        return any(user.tokens or user.password for user in self.users) or any(user.tokens for user in self.sage)


def read_seed(path: Path) -> Mapping[str, Any]:
    """Read a seed document from a YAML or JSON file. Raises ConfigError when it is unreadable or no mapping."""
    import yaml

    try:
        document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as exc:
        raise ConfigError([Problem(f"the seed cannot be read: {exc}", at=Location(str(path)))]) from exc
    if not isinstance(document, Mapping):
        raise ConfigError(
            [Problem("the seed is not a mapping", at=Location(str(path)), fix="see docs/embedded-backend.md")]
        )
    return document


def parse_seed(document: Mapping[str, Any], *, name: str = "seed") -> Seed:
    """Check a seed document. name: what errors call it. Raises ConfigError with everything that is wrong."""
    reader = _Reader(name)
    reader.known(document, "", ("datamaker", "sage"))
    datamaker = reader.mapping(document, "datamaker", "")
    reader.known(datamaker, "datamaker", ("sdkCompat", "multipartThreshold", "storage", "tenants", "users"))
    tenants = reader.tenants(datamaker)
    seed = Seed(reader.settings(datamaker), tenants, reader.users(datamaker, tenants), reader.sage(document))
    if reader.problems:
        raise ConfigError(reader.problems)
    return seed


class _Reader:
    """Takes a document apart and collects what is wrong with it. Values never enter the messages: some are secret."""

    def __init__(self, name: str) -> None:
        self._at = Location(name)
        self.problems: list[Problem] = []

    def fail(self, where: str, message: str, fix: str = "") -> None:
        """Note a problem at a dotted path."""
        self.problems.append(Problem(f"{where}: {message}", at=self._at, fix=fix))

    def known(self, mapping: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
        """Refuse keys that mean nothing."""
        for key in mapping:
            if key not in names:
                self.fail(f"{where}.{key}".lstrip("."), "is not known", f"one of {', '.join(names)}")

    def mapping(self, outer: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        """A mapping below a key, empty when it is absent."""
        value = outer.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fail(f"{where}.{key}".lstrip("."), "must be a mapping")
            return {}
        return value

    def items(self, outer: Mapping[str, Any], key: str, where: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The mappings of a list below a key, each with its place."""
        value = outer.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(f"{where}.{key}", "must be a list")
            return []
        found = []
        for index, item in enumerate(value):
            place = f"{where}.{key}[{index}]"
            if isinstance(item, Mapping):
                found.append((place, item))
            else:
                self.fail(place, "must be a mapping")
        return found

    def text(self, item: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
        """A non-empty text; required when there is no default."""
        value = item.get(key, default)
        if isinstance(value, str) and value:
            return value
        self.fail(f"{where}.{key}", "must be a text" if key in item else "is required")
        return ""

    def texts(self, item: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        """A list of texts, empty when absent."""
        value = item.get(key, [])
        if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
            return tuple(value)
        self.fail(f"{where}.{key}", "must be a list of texts")
        return ()

    def settings(self, datamaker: Mapping[str, Any]) -> Settings:
        """The settings, defaults where nothing is said."""
        compat = datamaker.get("sdkCompat", True)
        if not isinstance(compat, bool):
            self.fail("datamaker.sdkCompat", "must be true or false")
        threshold = datamaker.get("multipartThreshold", DEFAULT_MULTIPART_THRESHOLD)
        if type(threshold) is not int or threshold < 1:
            self.fail("datamaker.multipartThreshold", "must be a number of bytes, at least 1")
        storage = self.mapping(datamaker, "storage", "datamaker")
        self.known(storage, "datamaker.storage", ("provider",))
        provider = storage.get("provider", "minio")
        if provider not in PROVIDERS:
            self.fail("datamaker.storage.provider", f"must be one of {', '.join(PROVIDERS)}")
        return Settings(bool(compat), threshold if type(threshold) is int else 0, str(provider))

    def tenants(self, datamaker: Mapping[str, Any]) -> dict[str, str]:
        """Code → name."""
        found: dict[str, str] = {}
        for where, item in self.items(datamaker, "tenants", "datamaker"):
            self.known(item, where, ("code", "name"))
            code = self.text(item, "code", where)
            if code and not _CODE.fullmatch(code):
                self.fail(f"{where}.code", "must be letters, digits, '.', '_' and '-', at most 100")
            if code in found:
                self.fail(f"{where}.code", "occurs more than once")
            found[code] = self.text(item, "name", where, code)
        return found

    def users(self, datamaker: Mapping[str, Any], tenants: Mapping[str, str]) -> tuple[SeedUser, ...]:
        """All users; no e-mail and no token may occur twice."""
        users = tuple(self._user(item, where, tenants) for where, item in self.items(datamaker, "users", "datamaker"))
        self._unique("e-mail", [user.email for user in users])
        self._unique("token", [token for user in users for token in user.tokens])
        return users

    def _unique(self, what: str, values: Sequence[object], where: str = "datamaker.users") -> None:
        if len(set(values)) < len(values):
            self.fail(where, f"the same {what} occurs more than once")

    def _user(self, item: Mapping[str, Any], where: str, tenants: Mapping[str, str]) -> SeedUser:
        self.known(item, where, ("email", "password", "name", "tenants", "tokens"))
        email = self.text(item, "email", where)
        member_of = self.texts(item, "tenants", where)
        for code in member_of:
            if code not in tenants:
                self.fail(f"{where}.tenants", "names a tenant that is not listed", f"one of {', '.join(tenants)}")
        tokens = self.texts(item, "tokens", where)
        if not all(_TOKEN.fullmatch(token) for token in tokens):
            self.fail(f"{where}.tokens", "must be 8 to 200 printable characters without spaces")
        if tokens and not member_of:
            self.fail(f"{where}.tokens", "a token belongs to a tenant", "list a tenant for the user")
        password = self.text(item, "password", where) if "password" in item else None
        return SeedUser(email, self.text(item, "name", where, email or "-"), member_of, password, tokens)

    def sage(self, document: Mapping[str, Any]) -> tuple[SageUser, ...]:
        """All users of the Sage dialect; no name, id or token may occur twice."""
        section = self.mapping(document, "sage", "")
        self.known(section, "sage", ("users",))
        users = tuple(self._sage_user(item, where) for where, item in self.items(section, "users", "sage"))
        self._unique("name", [user.name.lower() for user in users], "sage.users")
        self._unique("id", [user.id for user in users if user.id is not None], "sage.users")
        self._unique("token", [token for user in users for token in user.tokens], "sage.users")
        return users

    def _sage_user(self, item: Mapping[str, Any], where: str) -> SageUser:
        self.known(item, where, ("id", "userName", "email", "certified", "admin", "tokens"))
        number = item.get("id")
        if number is not None and (type(number) is not int or not 0 < number < 1 << 53):
            self.fail(f"{where}.id", "must be a whole number above zero")
        name = self.text(item, "userName", where)
        if name and not _USER_NAME.fullmatch(name):
            self.fail(f"{where}.userName", "must be letters, digits, '.', '_' and '-', at most 100")
        tokens = self.texts(item, "tokens", where)
        if not all(_TOKEN.fullmatch(token) for token in tokens):
            self.fail(f"{where}.tokens", "must be 8 to 200 printable characters without spaces")
        email = self.text(item, "email", where) if "email" in item else ""
        is_certified = self._flag(item, "certified", where, default=True)
        is_admin = self._flag(item, "admin", where, default=False)
        return SageUser(name, number, email, is_certified, is_admin, tokens)

    def _flag(self, item: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
        value = item.get(key, default)
        if not isinstance(value, bool):
            self.fail(f"{where}.{key}", "must be true or false")
        return value is True


def apply_seed(store: Store, seed: Seed) -> None:
    """Write a seed into the store, in one transaction; what is there already stays."""
    now = store.now()
    hashes = _changed_passwords(store, seed)
    with store.writing() as db:
        settings = {name: getattr(seed.settings, name) for name in Settings.__dataclass_fields__}
        write_setting(db, "datamaker", json.dumps(settings, sort_keys=True))
        tenants = {code: add_tenant(db, code, name, now) for code, name in seed.tenants.items()}
        for user in seed.users:
            made = add_user(db, user.email, user.name, now)
            if user.email in hashes:
                db.execute("UPDATE users SET password = ? WHERE id = ?", (hashes[user.email], made))
            for code in user.tenants:
                add_membership(db, user=made, tenant=tenants[code])
            for token in user.tokens:
                add_token(db, token, user=made, tenant=tenants[user.tenants[0]], description="seed", now=now)
        apply_users(db, seed.sage, iso(store.clock()))
    store.reload_settings()


def _changed_passwords(store: Store, seed: Seed) -> dict[str, str]:
    """E-mail → new hash, of passwords that are not the stored ones. Slow on purpose, so outside the transaction."""
    found = {}
    for user in seed.users:
        if user.password is None:
            continue
        with store.reading() as db:
            row = one(db, "SELECT password FROM users WHERE email = ?", (user.email,))
        if row is None or not is_password(user.password, row["password"]):
            found[user.email] = hash_password(user.password)
    return found
