"""Calls of the unmodified official Sage client to what people do together: teams, evaluations, wikis, forms, messages.

Run like `sage_session.py`, whose lines it prints; the one part is ALL, on a server where the user has made nothing.
"""

import asyncio
import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import synapseclient
from sage_session import Recorder, World
from synapseclient.core.exceptions import SynapseHTTPError
from synapseclient.models import (
    DockerRepository,
    Evaluation,
    File,
    FormData,
    FormGroup,
    Project,
    Submission,
    SubmissionBundle,
    SubmissionStatus,
    Team,
    WikiHeader,
    WikiHistorySnapshot,
    WikiOrderHint,
    WikiPage,
)
from synapseclient.operations import (
    DownloadListItem,
    download_list_add,
    download_list_clear,
    download_list_manifest,
    download_list_remove,
)


def begin(call, world):
    syn, made = world.syn, world.made
    call("login", lambda: syn.login(silent=True))
    made["project"] = call("Project.store", lambda: Project(name="together").store()).id
    made["file"] = call(
        "File.store", lambda: File(path=str(world.file("answer.txt", b"42")), parent_id=made["project"]).store()
    ).id


def teams(call, world):
    syn, second = world.syn, world.given["second"]
    team = call(
        "Team.create", lambda: Team(name="crew", description="d", can_public_join=False).create(),
        lambda one: (one.name, one.can_public_join) == ("crew", False),
    )  # fmt: skip
    world.made["team"] = team.id
    call("Team.from_id", lambda: Team.from_id(team.id), lambda one: one.etag == team.etag)
    call("Team.from_name", lambda: Team.from_name("crew"), lambda one: one.id == team.id)
    call("Team.from_id_async", lambda: asyncio.run(Team.from_id_async(team.id)), lambda one: one.name == "crew")
    call("Team.members", team.members, lambda all_: [(one.member.user_name, one.is_admin) for one in all_] == [
        (world.given["user"], True)
    ])  # fmt: skip
    call("Team.invite", lambda: team.invite(user=second, message="come"), lambda one: one["message"] == "come")
    call(
        "Team.invite again",
        lambda: team.invite(user=second, message="now", force=True),
        lambda one: one["message"] == "now",
    )
    call("Team.open_invitations", team.open_invitations, lambda all_: [one["message"] for one in all_] == ["now"])
    invitee = syn.getUserProfile(second)["ownerId"]
    call(
        "Team.get_user_membership_status", lambda: team.get_user_membership_status(invitee),
        lambda one: (one.is_member, one.has_open_invitation, one.membership_approval_required) == (False, True, True),
    )  # fmt: skip
    call("getTeam", lambda: syn.getTeam("crew"), lambda one: one["id"] == str(team.id))
    call("getTeamMembers", lambda: list(syn.getTeamMembers(syn.getTeam(team.id))), lambda all_: len(all_) == 1)
    call("invite_to_team", lambda: syn.invite_to_team(team.id, user=second, force=True), lambda one: one["id"])
    call.fails("Team.create of a name that is taken", SynapseHTTPError, "409", lambda: Team(name="Crew").create())
    doomed = Team(name="doomed").create()
    call("Team.delete", doomed.delete)
    text = f"Team id: '{doomed.id}' does not exist"
    call.fails("Team.from_id of none", SynapseHTTPError, text, lambda: Team.from_id(doomed.id))


def evaluations(call, world):
    syn, made = world.syn, world.made
    queue = call(
        "Evaluation.store",
        lambda: Evaluation(
            name="queue", description="d", content_source=made["project"], submission_instructions_message="i",
            submission_receipt_message="r",
        ).store(),
        lambda one: one.id,
    )  # fmt: skip
    made["queue"] = queue.id
    call("Evaluation.get", lambda: Evaluation(id=queue.id).get(), lambda one: one.name == "queue")
    call("Evaluation.get by name", lambda: Evaluation(name="queue").get(), lambda one: one.id == queue.id)
    queue.description = "changed"
    call("Evaluation.store of a change", queue.store, lambda one: one.description == "changed")
    call(
        "Evaluation.get_async", lambda: asyncio.run(Evaluation(id=queue.id).get_async()),
        lambda one: one.description == "changed",
    )  # fmt: skip
    call("Evaluation.get_all_evaluations", Evaluation.get_all_evaluations, lambda all_: len(all_) == 1)
    call("Evaluation.get_available_evaluations", Evaluation.get_available_evaluations, lambda all_: len(all_) == 1)
    call(
        "Evaluation.get_evaluations_by_project", lambda: Evaluation.get_evaluations_by_project(made["project"]),
        lambda all_: [one.id for one in all_] == [queue.id],
    )  # fmt: skip
    second = int(syn.getUserProfile(world.given["second"])["ownerId"])
    call("Evaluation.get_acl", queue.get_acl, lambda one: len(one["resourceAccess"]) == 1)
    call(
        "Evaluation.update_acl", lambda: queue.update_acl(principal_id=second, access_type=["READ", "SUBMIT"]),
        lambda one: {"principalId": second, "accessType": ["READ", "SUBMIT"]} in one["resourceAccess"],
    )  # fmt: skip
    call("Evaluation.get_permissions", queue.get_permissions, lambda one: one["canSubmit"] is True)
    call("getEvaluation", lambda: syn.getEvaluation(queue.id), lambda one: one.name == "queue")
    call("getEvaluationByName", lambda: syn.getEvaluationByName("queue"), lambda one: one.id == queue.id)
    call(
        "getEvaluationByContentSource", lambda: list(syn.getEvaluationByContentSource(made["project"])),
        lambda all_: len(all_) == 1,
    )  # fmt: skip
    same = Evaluation(
        name="queue", description="d", content_source=made["project"], submission_instructions_message="i",
        submission_receipt_message="r",
    )  # fmt: skip
    call.fails("Evaluation.store of a name that is taken", SynapseHTTPError, "409", same.store)


def submissions(call, world):
    syn, made = world.syn, world.made
    queue, entity = made["queue"], made["file"]
    first = call(
        "Submission.store", lambda: Submission(entity_id=entity, evaluation_id=queue, name="one").store(),
        lambda one: one.id and one.version_number == 1,
    )  # fmt: skip
    legacy = call("submit", lambda: syn.submit(queue, entity, name="two", silent=True), lambda one: one.name == "two")
    call("Submission.get", lambda: Submission(id=first.id).get(), lambda one: "answer.txt" in one.entity_bundle_json)
    call(
        "Submission.get_evaluation_submissions", lambda: list(Submission.get_evaluation_submissions(queue)),
        lambda all_: [one.name for one in all_] == ["one", "two"],
    )  # fmt: skip
    call(
        "Submission.get_user_submissions", lambda: list(Submission.get_user_submissions(queue)),
        lambda all_: len(all_) == 2,
    )  # fmt: skip
    call("Submission.get_submission_count", lambda: Submission.get_submission_count(queue), (2).__eq__)
    call("getSubmissions", lambda: list(syn.getSubmissions(queue, status="RECEIVED")), lambda all_: len(all_) == 2)
    call("getSubmission", lambda: syn.getSubmission(legacy.id, downloadFile=False), lambda one: one.name == "two")
    call("getSubmissionBundles", lambda: list(syn.getSubmissionBundles(queue)), lambda all_: len(all_) == 2)
    status = call(
        "SubmissionStatus.get", lambda: SubmissionStatus(id=first.id).get(), lambda one: one.status == "RECEIVED"
    )
    status.status, status.submission_annotations = "SCORED", {"score": [0.5], "notes": ["good"]}
    call("SubmissionStatus.store", status.store, lambda one: one.submission_annotations["score"] == [0.5])
    old = syn.getSubmissionStatus(legacy.id)
    old.status, old.score = "VALIDATED", 0.25
    call("syn.store of a status", lambda: syn.store(old), lambda one: (one.status, one.score) == ("VALIDATED", 0.25))
    call.fails("syn.store of a status that changed", SynapseHTTPError, "412", lambda: syn.store(stale(old)))
    call(
        "SubmissionStatus.get_all_submission_statuses", lambda: SubmissionStatus.get_all_submission_statuses(queue),
        lambda all_: [one.status for one in all_] == ["SCORED", "VALIDATED"],
    )  # fmt: skip
    call(
        "SubmissionStatus.batch_update_submission_statuses",
        lambda: SubmissionStatus.batch_update_submission_statuses(queue, [SubmissionStatus(id=first.id).get()]),
        lambda one: one is not None,
    )  # fmt: skip
    call(
        "SubmissionBundle.get_evaluation_submission_bundles",
        lambda: list(SubmissionBundle.get_evaluation_submission_bundles(queue, status="SCORED")),
        lambda all_: [one.submission.name for one in all_] == ["one"],
    )  # fmt: skip
    call(
        "SubmissionBundle.get_user_submission_bundles",
        lambda: list(SubmissionBundle.get_user_submission_bundles(queue)), lambda all_: len(all_) == 2,
    )  # fmt: skip
    call("Submission.delete", Submission(id=first.id).delete)
    call.fails("Submission.get of a deleted one", SynapseHTTPError, "404", lambda: Submission(id=first.id).get())


def stale(status):
    status.etag = "00000000-0000-0000-0000-000000000000"
    return status


def wikis(call, world):
    syn, project = world.syn, world.made["project"]
    note = world.file("note.txt", b"a note")
    root = call(
        "WikiPage.store", lambda: WikiPage(
            owner_id=project, title="root", markdown="# root", attachments=[str(note)]
        ).store(), lambda one: one.id,
    )  # fmt: skip
    child = call(
        "WikiPage.store of a sub-page",
        lambda: WikiPage(owner_id=project, title="child", markdown="text", parent_id=root.id).store(),
        lambda one: one.parent_id == root.id,
    )
    call("WikiPage.get", lambda: WikiPage(owner_id=project, id=root.id).get(), lambda one: one.title == "root")
    call("WikiHeader.get", lambda: list(WikiHeader.get(owner_id=project)), lambda all_: len(all_) == 2)
    changed = WikiPage(owner_id=project, id=child.id, title="renamed", markdown="new text")
    call("WikiPage.store of a change", changed.store, lambda one: one.title == "renamed")
    call(
        "WikiHistorySnapshot.get", lambda: list(WikiHistorySnapshot.get(owner_id=project, id=child.id)),
        lambda all_: [one.version for one in all_] == ["1", "0"],
    )  # fmt: skip
    call(
        "WikiPage.restore", lambda: WikiPage(owner_id=project, id=child.id, wiki_version="0").restore(),
        lambda one: one.title == "child",
    )  # fmt: skip
    hint = call("WikiOrderHint.get", lambda: WikiOrderHint(owner_id=project).get(), lambda one: one.etag)
    hint.id_list = [root.id, child.id]
    call("WikiOrderHint.store", hint.store, lambda one: one.id_list == [root.id, child.id])
    page, place = WikiPage(owner_id=project, id=root.id), str(world.place("wiki"))
    call("WikiPage.get_attachment_handles", page.get_attachment_handles, lambda one: len(one["list"]) == 1)
    call(
        "WikiPage.get_attachment",
        lambda: Path(page.get_attachment(file_name="note.txt", download_location=place)).read_bytes(),
        b"a note".__eq__,
    )
    call(
        "WikiPage.get_attachment_preview",
        lambda: Path(page.get_attachment_preview(file_name="note.txt", download_location=place)).name,
        "preview.txt".__eq__,
    )
    call(
        "WikiPage.get_markdown_file", lambda: Path(page.get_markdown_file(download_location=place)).read_text(),
        "# root".__eq__,
    )  # fmt: skip
    old = call("getWiki", lambda: syn.getWiki(project), lambda one: one.markdown == "# root")
    old.markdown = "# changed"
    call("syn.store of a Wiki", lambda: syn.store(old), lambda one: one["markdown"] == "# changed")
    call("getWikiHeaders", lambda: syn.getWikiHeaders(project), lambda all_: len(all_) == 2)
    call("getWikiAttachments", lambda: syn.getWikiAttachments(old), lambda all_: len(all_) == 1)
    second = synapseclient.Wiki(owner=project, title="again", markdown="over", etag="")
    call("syn.store of a second root", lambda: syn.store(second), lambda one: (one.id, one.title) == (root.id, "again"))
    call("WikiPage.delete", WikiPage(owner_id=project, id=root.id).delete)
    call.fails("WikiHeader.get of none", SynapseHTTPError, "404", lambda: list(WikiHeader.get(owner_id=project)))


def small_services(call, world):
    syn, made = world.syn, world.made
    recipient = syn.getUserProfile(world.given["second"])["ownerId"]
    call(
        "sendMessage",
        lambda: syn.sendMessage([recipient], "subject", "body"),
        lambda one: one["recipients"] == [recipient],
    )
    group = call("FormGroup.create_or_get", lambda: FormGroup(name="study").create_or_get(), lambda one: one.group_id)
    handle = File(id=made["file"], download_file=False).get().data_file_handle_id
    call(
        "FormData.create_or_get",
        lambda: FormData(group_id=group.group_id, name="form", data_file_handle_id=handle).create_or_get(),
        lambda one: one.form_data_id,
    )
    repository = DockerRepository(parent_id=made["project"], repository_name="docker.io/library/python")
    stored = call("DockerRepository.store", repository.store, lambda one: one.is_managed is False)
    call(
        "DockerRepository.get", lambda: DockerRepository(id=stored.id).get(),
        lambda one: one.repository_name == "docker.io/library/python",
    )  # fmt: skip
    item = DownloadListItem(file_entity_id=made["file"], version_number=1)
    call("download_list_add", lambda: download_list_add([item]), (1).__eq__)
    call(
        "download_list_manifest", lambda: Path(download_list_manifest()).read_text(), lambda text: made["file"] in text
    )
    call("download_list_remove", lambda: download_list_remove([item]), (1).__eq__)
    call("download_list_clear", download_list_clear)
    call.fails(
        "download_list_manifest of none", SynapseHTTPError, "No files available for download", download_list_manifest
    )


SCENARIOS = (begin, teams, evaluations, submissions, wikis, small_services)


def main():
    out, sys.stdout = sys.stdout, io.StringIO()  # the client prints
    logging.disable(logging.CRITICAL)
    world = World(json.load(sys.stdin))
    with contextlib.chdir(world.folder):  # the manifest of the download list is written to where one is
        for scenario in SCENARIOS:
            call = Recorder(scenario.__name__, out)
            try:
                scenario(call, world)
            except Exception as exc:  # noqa: BLE001
                line = exc.__traceback__.tb_next.tb_lineno
                call.report("whole scenario", f"{type(exc).__name__}: {exc} (line {line})")
    print(json.dumps({"context": world.made}), file=out, flush=True)


if __name__ == "__main__":
    main()
