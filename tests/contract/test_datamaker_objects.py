"""Datamaker's kinds of one object against the embedded backend: the contract, and answers of other forms."""

import httpx
import pytest

from reconciler.errors import BackendError, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.observed import Absent, Found
from reconciler.providers.base import Desired
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.grants import Grants
from reconciler.providers.datamaker.groups import units_in
from reconciler.providers.datamaker.kinds import KINDS
from reconciler.providers.http import HttpClient
from reconciler.testing.objects import ObjectContract, Sample

COLLECTION = Desired(Address("Collection", "c"), {"title": "c"})
PEOPLE = Desired(Address("Group", "people"), {"title": "People"})


def group(_):
    return Sample(Desired(Address("Group", "g"), {"title": "Readers", "description": "Two"}), {"description": "Three"})


def script(_):
    fields = {"title": "Boxes", "description": "", "code": "a = 1\nb = 2", "active": False, "timeout": 60}
    return Sample(Desired(Address("ValidationScript", "s"), fields), {"code": "a = 2", "active": True})


def truth(_):
    fields = {"title": "Gold", "versions": {"v1": "snapshot"}}
    versions = {"v1": "snapshot", "v2": "snapshot"}
    return Sample(Desired(Address("GroundTruthDataset", "t"), fields), {"versions": versions})


def grant(provider):
    fields = {
        "collection": provider.create(COLLECTION).remote_id,
        "group": provider.create(PEOPLE).remote_id,
        "roles": {"viewer": "granted"},
    }
    roles = {"viewer": "granted", "manager": "granted"}
    return Sample(Desired(Address("AccessGrant", "a"), fields), {"roles": roles}, "collections/987654/groups/1")


class TestObjects(ObjectContract):
    @pytest.fixture
    def provider(self, embedded):
        return embedded

    @pytest.fixture(params=[group, script, truth, grant], ids=lambda make: make.__name__)
    def sample(self, request, provider):
        return request.param(provider)


def answering(**answers):
    """A client of canned answers to GET, by the last word of the path."""

    def answer(request):
        name = request.url.path.strip("/").rpartition("/")[2].replace("-", "_")
        if name not in answers:
            return httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "none"}})
        return httpx.Response(200, json={"data": answers[name], "meta": {"pagination": {"next_cursor": None}}})

    return HttpClient(service_for(Credentials("http://x", "t"), ""), transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ([{"group": 7, "role": "viewer"}, {"group": 7, "role": "leader"}], "a row for every role"),
        ([{"group": 7, "role": ["viewer", "leader"]}], "a list of codes"),
        ([{"group": {"id": 7, "name": "g"}, "role": [{"id": 1, "code": "leader"}, {"code": "viewer"}]}], "objects"),
    ],
)
def test_grant_is_read_in_whatever_form_roles_come(held, reason):
    client = answering(roles={"group_roles": held, "member_roles": []})
    found = Grants().read(client, "collections/1/groups/7", None)
    assert isinstance(found, Found)
    assert list(found.fields["roles"]) == ["leader", "viewer"], reason


def test_grant_that_the_service_does_not_tell_is_an_error_and_never_absent():
    client = answering(roles={"roles": [{"code": "viewer"}]})
    with pytest.raises(BackendError, match="does not tell"):
        Grants().read(client, "collections/1/groups/7", None)


def test_grants_that_the_service_does_not_tell_are_none_to_discover():
    client = answering(members=[], data_collections=[{"id": 1}], roles={"roles": []})
    with pytest.raises(NotFound, match="does not tell"):
        list(Grants().discover(client))


def test_grant_on_what_is_gone_is_absent():
    assert Grants().read(answering(), "projects/1/groups/7", None) == Absent()


@pytest.mark.parametrize("remote_id", ["7", "collections/1/teams/7", "collections/1/groups/7/8", ""])
def test_id_of_another_form_is_refused(remote_id):
    with pytest.raises(Invalid, match="is no id of an access grant"):
        Grants().read(answering(), remote_id, None)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [({"group": 7}, 1), ({"group": {"id": 7}}, 1), ({"group_id": 7}, 1), ({"group": None}, 0), ({"group": 8}, 0)],
)
def test_units_of_a_group_are_counted_in_whatever_form_it_comes(unit, expected):
    client = answering(groups=[{"id": 7, "name": "a"}, {"id": 8, "name": "b"}], data_units=[{"id": 1, **unit}])
    assert units_in(client, "1", ["a"]) == expected


def test_units_that_do_not_tell_their_group_are_an_error_and_not_none():
    client = answering(groups=[{"id": 7, "name": "a"}], data_units=[{"id": 1}])
    with pytest.raises(BackendError, match="does not tell the groups"):
        units_in(client, "1", ["a"])


def test_text_that_the_service_trims_makes_no_difference():
    """Services trim what they are given; ours is sent with one line end."""
    code = KINDS["ValidationScript"].kind
    address = Address("ValidationScript", "s")
    assert code.to_wire({"title": "s", "code": "a = 1"}, address)["code"] == "a = 1\n"
    for text in ("a = 1", "a = 1\n", "\na = 1\n\n"):
        assert code.from_wire({"id": 1, "name": "s", "code": text}).fields["code"] == "a = 1"
