"""The kinds of the research side of Sage, against the embedded backend, as a user with no special rights."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.observed import Absent, Found
from reconciler.model.resource import LocalFile
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Desired
from reconciler.testing.objects import ObjectContract, Sample, settled
from tests.support.sage_embedded import open_as, register_schema


@pytest.fixture
def provider(tmp_path):
    provider, close = open_as()(BackendSettings("lab", "embedded", {"dialect": "sage"}), tmp_path, 4)
    yield provider
    close()


def project(provider):
    fields = {"title": "Lab", "sage": {"type": "project"}}
    return provider.create(Desired(Address("Collection", "lab"), fields)).remote_id


def folder(provider):
    fields = {"title": "scans", "parent": project(provider), "sage": {"type": "folder"}}
    return provider.create(Desired(Address("Collection", "scans"), fields)).remote_id


def link(provider, _):
    above = folder(provider)
    fields = {"title": "raw", "description": "One", "parent": above, "target": above, "version": 1}
    return Sample(Desired(Address("Link", "raw"), fields), {"title": "new", "description": "Two"}, "syn987654")


def policy(provider, _):
    entries = [{"user": "TESTER", "access": "admin"}, {"principal": 3000002, "access": "view"}]
    more = [*entries, {"principal": "authenticated_users", "access": ["READ", "DOWNLOAD"]}]
    fields = {"of": folder(provider), "entries": entries}
    return Sample(Desired(Address("AccessPolicy", "p"), fields), {"entries": more}, "syn987654")


def storage(provider, _):
    locations = [{"type": "sftp", "url": "sftp://x.example/a"}, {"id": "1"}]
    proxy = {"type": "proxy", "proxyUrl": "https://p.example", "benefactorId": "syn1"}
    fields = {"of": folder(provider), "locations": locations}
    desired = Desired(Address("StorageLocation", "s"), fields, secrets={"locations": [{"secretKey": "hush"}]})
    return Sample(desired, {"locations": [proxy, {"type": "s3", "baseKey": "x"}]}, "syn987654")


def team(_, __):
    fields = {"title": "Readers", "members": {"Alice": "manager"}, "invitations": {"c@example.org": "sent"}}
    change = {"description": "New", "canPublicJoin": True, "members": {"bob": "member"}, "invitations": {}}
    return Sample(Desired(Address("Team", "t"), fields), change)


def evaluation(provider, _):
    fields = {
        "title": "Challenge (a, b) '+'",
        "project": project(provider),
        "description": "",
        "submissionReceipt": "Thanks",
    }
    return Sample(Desired(Address("Evaluation", "e"), fields), {"submissionReceipt": "", "description": "New"})


def root_page(provider, folder_path):
    (folder_path / "a.txt").write_bytes(b"attached")
    md5 = hashlib.md5(b"attached").hexdigest()
    fields = {"of": project(provider), "title": "Home", "markdown": "# Home\n\nText", "attachments": {"a.txt": md5}}
    desired = Desired(Address("WikiPage", "w"), fields, files={"a.txt": LocalFile(folder_path / "a.txt", 8, md5)})
    return Sample(desired, {"title": "Start", "markdown": "Other"}, "syn987654/7")


def sub_page(provider, _):
    owner = project(provider)
    root = provider.create(Desired(Address("WikiPage", "r"), {"of": owner, "title": "Home"})).remote_id
    fields = {"of": owner, "parent": root, "title": "Methods", "markdown": ""}
    return Sample(Desired(Address("WikiPage", "w"), fields), {"markdown": "New"}, f"{owner}/987654")


def binding(provider, folder_path):
    register_schema(folder_path, "lab.example-Scan-1.0.0")
    register_schema(folder_path, "lab.example-Scan-1.1.0")
    fields = {"of": folder(provider), "schema": "lab.example-Scan-1.0.0", "derivedAnnotations": False}
    return Sample(Desired(Address("SchemaBinding", "b"), fields), {"schema": "lab.example-Scan-1.1.0"}, "syn987654")


SAMPLES = [link, policy, storage, team, evaluation, root_page, sub_page, binding]


class TestObjects(ObjectContract):
    @pytest.fixture
    def provider(self, provider):
        return provider

    @pytest.fixture(params=SAMPLES, ids=lambda make: make.__name__)
    def sample(self, request, provider, tmp_path):
        return request.param(provider, tmp_path)


def test_policy_that_inherits_is_found_and_kept(provider):
    desired = Desired(Address("AccessPolicy", "p"), {"of": folder(provider), "inherit": True})
    [found] = provider.find(desired)
    assert found.remote_id.endswith("/inherits")
    assert provider.create(desired).fields == found.fields


def test_policy_turns_from_own_to_inherited_and_back(provider, tmp_path):
    sample = policy(provider, tmp_path)
    own = provider.create(settled(provider, sample.desired))
    none = Desired(sample.address, {"of": own.remote_id, "inherit": True})
    inherited = provider.update(none, own, ())
    assert inherited.remote_id == f"{own.remote_id}/inherits"
    assert provider.read(sample.address, own.remote_id) == Absent()
    again = provider.update(settled(provider, sample.desired, inherited), inherited, ())
    assert again.fields == own.fields


def test_policy_of_a_project_leaves_us_alone_when_it_is_deleted(provider):
    address, target = Address("AccessPolicy", "p"), project(provider)
    entries = [{"user": "tester", "access": "admin"}, {"user": "alice", "access": "view"}]
    provider.create(settled(provider, Desired(address, {"of": target, "entries": entries})))
    assert provider.dependents(address, target).notes == ("danger: everybody but us loses access to it",)
    for _ in range(2):
        provider.delete(address, target)
    left = provider.read(address, target)
    assert isinstance(left, Found)
    assert left.fields["entries"] == [{"principal": "tester", "access": "admin"}]


@pytest.mark.parametrize(
    ("entry", "message", "fix"),
    [
        ({"user": "alicia", "access": "view"}, "no user or team named 'alicia'", "did you mean 'alice'"),
        ({"user": "bob@example.org", "access": "view"}, "finds nobody by e-mail", "user name"),
        ({"principal": 77, "access": "view"}, "no user or team with id 77", "look the id up"),
        ({"principal": "public", "access": "download"}, "view and no more", "authenticated_users"),
        ({"user": "alice", "access": "submit"}, "no access 'submit' here", "edit_and_delete"),
        ({"user": "authenticated_users", "access": "view"}, "is a team and no user", "principal:"),
        ({"user": "TESTER", "access": "view"}, "has two entries", "into one"),
    ],
)
def test_policy_entry_that_cannot_be_is_refused(provider, entry, message, fix):
    entries = [{"user": "tester@example.org", "access": "admin"}, entry]
    with pytest.raises(Invalid, match=message) as refused:
        provider.settle(Desired(Address("AccessPolicy", "p"), {"of": "syn1", "entries": entries}), None)
    assert fix in refused.value.fix


def test_policy_that_locks_us_out_and_lets_everybody_in_says_so(provider):
    entries = [{"user": "alice", "access": "admin"}, {"principal": "public", "access": "view"}]
    notes = provider.settle(Desired(Address("AccessPolicy", "p"), {"of": "syn1", "entries": entries}), None).notes
    assert [note.split(";")[0] for note in notes] == [
        "danger: everybody, signed in or not, gets access: view",
        "danger: we lose the right to change this list (CHANGE_PERMISSIONS)",
    ]


def test_invitation_that_was_sent_and_taken_up_is_not_repeated(provider, tmp_path):
    sample = team(provider, tmp_path)
    there = Found("1", {"members": {}, "invitations": {}})
    again = provider.settle(sample.desired, there, {"invitations": {"c@example.org": "sent"}})
    assert again.fields["invitations"] == {}


def test_secret_of_a_proxy_is_neither_told_nor_shown(provider, tmp_path):
    sample = storage(provider, tmp_path)
    proxy = sample.change["locations"][:1]
    desired = replace(sample.desired, fields={**sample.desired.fields, "locations": proxy})
    found = provider.create(settled(provider, desired))
    assert found.fields["locations"] == proxy
    assert "hush" not in repr((desired, found))


def test_new_proxy_without_key_is_refused(provider, tmp_path):
    sample = storage(provider, tmp_path)
    with pytest.raises(Invalid, match="new proxy and has no secretKey"):
        provider.settle(replace(sample.changed, secrets={}), None)


@pytest.mark.parametrize(
    ("kind", "remote_id"),
    [("WikiPage", "syn1"), ("WikiPage", "7"), ("AccessPolicy", "x"), ("StorageLocation", "7"), ("SchemaBinding", "7")],
)
def test_id_of_another_form_is_refused(provider, kind, remote_id):
    with pytest.raises(Invalid, match="is no id of"):
        provider.read(Address(kind, "x"), remote_id)


def test_root_of_a_wiki_cannot_move(provider, tmp_path):
    sample = root_page(provider, tmp_path)
    made = provider.create(sample.desired)
    moved = replace(sample.desired, fields={**sample.desired.fields, "parent": f"{made.fields['of']}/9"})
    with pytest.raises(Invalid, match="stays the root"):
        provider.settle(moved, made)


def test_attachment_that_is_the_same_is_not_sent_again(provider, tmp_path):
    sample = root_page(provider, tmp_path)
    made = provider.create(sample.desired)
    (tmp_path / "a.txt").unlink()
    changed = provider.update(sample.changed, made, ())
    assert changed.fields["attachments"] == made.fields["attachments"]
