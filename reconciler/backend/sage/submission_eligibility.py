"""Who may submit to an evaluation: alone, or as a team. Without challenges and quotas, one rule is left:

within an evaluation nobody contributes both alone and to a team, or to two teams; submissions that were found invalid
or rejected do not count.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from reconciler.backend.database import Connection, scalar
from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.errors import bad, forbidden
from reconciler.backend.sage.evaluations import evaluation_for
from reconciler.backend.sage.routes import reads
from reconciler.backend.sage.submission_queue import NOT_COUNTED
from reconciler.backend.sage.team_members import is_member
from reconciler.backend.sage.teams import find_team
from reconciler.backend.wire import Response

_COUNTED: Final = (
    "sage_submissions s JOIN sage_contributors c ON c.submission_id = s.id"
    f" WHERE s.evaluation_id = ? AND s.status NOT IN {NOT_COUNTED}"
)


def team_eligibility(db: Connection, evaluation: int, team: int) -> dict[str, Any]:
    """How a team and each of its members stand; the hash changes whenever that does."""
    elsewhere = {
        row[0]
        for row in db.execute(
            f"SELECT DISTINCT c.user_id FROM {_COUNTED} AND (s.team_id IS NULL OR s.team_id <> ?)", (evaluation, team)
        )
    }
    members = [
        {
            "principalId": row["user_id"],
            "isEligible": row["user_id"] not in elsewhere,
            "isQuotaFilled": False,
            "hasConflictingSubmission": row["user_id"] in elsewhere,
        }
        for row in db.execute("SELECT user_id FROM sage_team_members WHERE team_id = ? ORDER BY user_id", (team,))
    ]
    standing = {"isEligible": True, "isQuotaFilled": False}
    state = json.dumps([evaluation, team, standing, members], sort_keys=True).encode()
    return {
        "evaluationId": str(evaluation),
        "teamId": str(team),
        "teamEligibility": standing,
        "membersEligibility": members,
        "eligibilityStateHash": zlib.crc32(state),
    }


def get(call: Call) -> Response:
    """`GET /evaluation/{id}/team/{team}/submissionEligibility`: for members of the team."""
    evaluation, team = evaluation_for(call, call.entity(), "SUBMIT")["id"], find_team(call.db, call.id("team"))["id"]
    _check_membership(call, team)
    return reply(team_eligibility(call.db, evaluation, team))


def _check_membership(call: Call, team: int) -> None:
    if not call.caller.is_admin and not is_member(call.db, team, call.caller.id):
        raise forbidden(f"The user is not a member of team {team}.")


def check_eligibility(call: Call, evaluation: int, team: int | None, people: set[int], state: int | None) -> None:
    """Refuse a submission that must not be. people: all contributors. state: the hash that the caller knows of."""
    if team is None:
        _check_person(call, evaluation, people, state)
    else:
        _check_team(call, evaluation, team, people, state)


def _check_person(call: Call, evaluation: int, people: set[int], state: int | None) -> None:
    if state is not None or people != {call.caller.id}:
        raise bad("Submission is neither a valid Team or Individual Submission.")
    found = f"SELECT count(*) FROM {_COUNTED} AND c.user_id = ? AND s.team_id IS NOT NULL"
    if scalar(call.db, found, (evaluation, call.caller.id)):
        raise forbidden("Submitter may not submit as an individual when having submitted as part of a Team.")


def _check_team(call: Call, evaluation: int, team: int, people: set[int], state: int | None) -> None:
    if state is None:
        raise bad("Submission is neither a valid Team or Individual Submission.")
    standing = team_eligibility(call.db, evaluation, find_team(call.db, team)["id"])
    _check_membership(call, team)
    if standing["eligibilityStateHash"] != state:
        raise forbidden("Submissions or Team composition have changed: fetch the eligibility again.")
    eligible = {one["principalId"] for one in standing["membersEligibility"] if one["isEligible"]}
    if refused := sorted(people - eligible):
        raise forbidden(
            "The following Team members are ineligible to contribute to a Submission in the specified Evaluation at"
            f" this time {refused}"
        )


ROUTES: Final = (reads("GET", "/evaluation/{id}/team/{team}/submissionEligibility", get),)
