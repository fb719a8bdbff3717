"""Users and teams: by name, by id, and who we are. They share one name space; each is asked for once."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock

from reconciler.config.suggestion import did_you_mean
from reconciler.errors import Invalid, NotFound
from reconciler.providers.http import HttpClient, Params
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.wire import Row, object_in

PUBLIC, AUTHENTICATED, ANONYMOUS = "273949", "273948", "273950"
# Names that documents give the groups that everybody belongs to.
WELL_KNOWN = {"public": PUBLIC, "authenticated_users": AUTHENTICATED}
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a team. name: of the user or team, or one of WELL_KNOWN."""

    id: str
    name: str
    is_user: bool = True


@dataclass(slots=True)
class People:
    """Looks principals up at one service."""

    client: HttpClient
    _by_id: dict[str, Principal] = field(default_factory=dict)
    _by_name: dict[str, Principal] = field(default_factory=dict)
    _me: Row | None = None
    _lock: RLock = field(default_factory=RLock)

    def me(self) -> str:
        """Our own id."""
        return str(self._profile().get("ownerId"))

    def my_groups(self) -> frozenset[str]:
        """Ours and those of our teams, and of everybody who is signed in."""
        path = f"/user/{self.me()}/team"
        teams = (str(row.get("id")) for page in pages(self.client, path) for row in page)
        return frozenset({self.me(), AUTHENTICATED, PUBLIC, *teams})

    def named(self, name: str) -> Principal:
        """The user or team of a name or id, in any case. Raises Invalid, with the nearest name, when there is none."""
        if name in WELL_KNOWN:
            return Principal(WELL_KNOWN[name], name, is_user=False)
        if name.isdigit():
            return self._numbered(name)
        with self._lock:
            if name.casefold() not in self._by_name:
                self._by_name[name.casefold()] = self._looked_up(name)
            return self._by_name[name.casefold()]

    def of_ids(self, ids: list[str]) -> dict[str, Principal]:
        """`GET /userGroupHeaders/batch`: by id; those that the service does not tell have their id as name."""
        with self._lock:
            missing = sorted({number for number in ids if number not in self._by_id})
            for start in range(0, len(missing), _BATCH):
                self._ask(missing[start : start + _BATCH])
            return {number: self._by_id.get(number, Principal(number, number)) for number in ids}

    def _ask(self, ids: list[str]) -> None:
        path = "/userGroupHeaders/batch"
        answer = object_in(self.client.get(path, {"ids": ",".join(ids)}), f"GET {path}")
        names = {number: name for name, number in WELL_KNOWN.items()}
        for row in answer.get("children") or []:
            found = _principal(row)
            known = Principal(found.id, names.get(found.id, found.name), found.is_user)
            self._by_id[found.id] = known

    def _numbered(self, number: str) -> Principal:
        if number == ANONYMOUS:
            raise Invalid("the anonymous user cannot be given access", fix="write principal: public")
        found = self.of_ids([number])[number]
        if number not in self._by_id:
            raise Invalid(f"there is no user or team with id {number}", fix="look the id up at the service")
        return found

    def _looked_up(self, name: str) -> Principal:
        if "@" in name:
            return self._by_email(name)
        rows = self._by_prefix(name)
        exact = [row for row in rows if str(row.get("userName")).casefold() == name.casefold()]
        if exact:
            return _principal(exact[0])
        near = rows + [row for length in (5, 3, 1) for row in self._by_prefix(name[:length])]
        fix = did_you_mean(name, [str(row.get("userName")) for row in near], "look the name up at the service")
        raise Invalid(f"there is no user or team named {name!r}", fix=fix)

    def _by_email(self, address: str) -> Principal:
        """Ourselves; the service tells no other addresses."""
        mine = [str(email).casefold() for email in self._profile().get("emails") or []]
        if address.casefold() in mine:
            return Principal(self.me(), str(self._profile().get("userName")))
        raise Invalid(f"the service finds nobody by e-mail: {address!r}", fix="write the user name, or the user's id")

    def _by_prefix(self, prefix: str) -> list[Row]:
        params: Params = {"prefix": prefix, "limit": 50, "offset": 0}
        try:
            answer = object_in(self.client.get("/userGroupHeaders", params), "GET /userGroupHeaders")
        except NotFound:
            return []
        return [row for row in answer.get("children") or [] if isinstance(row, dict)]

    def _profile(self) -> Row:
        with self._lock:
            if self._me is None:
                self._me = object_in(self.client.get("/userProfile"), "GET /userProfile")
            return self._me


def _principal(row: Row) -> Principal:
    return Principal(str(row.get("ownerId")), str(row.get("userName")), bool(row.get("isIndividual", True)))
