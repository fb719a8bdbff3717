"""A 200-file apply on Sage through faults of every kind ends, after at most one more run, as a calm run does.

Even seeds make everything; odd ones change what is there, while somebody else writes to the same files.
RECONCILER_STORMS sets the number of seeds (CI takes few; the long series takes 500).
"""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest

from reconciler.errors import ExitCode, ReconcilerError
from reconciler.testing.faults import Fault
from tests.support.killing import copied
from tests.support.sage_bench import change_many, content_of, many_files
from tests.support.storms import FAULTS, Expiry, Storm

FILES = 200
SEEDS = range(int(os.environ.get("RECONCILER_STORMS", "8")))
# An answer of another shape ends a run; without those, most of half of the storms are lived through.
PASSING = [fault for fault in FAULTS if fault is not Fault.WRONG_SHAPE]
MEDDLED = "written by somebody else"


@dataclass
class Meddler(httpx.BaseTransport):
    """Now and then, just before we write to an entity, another client annotates it. entities: which it did that to."""

    seed: int
    entities: set[str] = field(default_factory=set)

    def around(self, inner, token):
        """Stand before an application."""
        self._inner, self._headers = inner, {"authorization": f"Bearer {token}"}
        self._chance = random.Random(f"meddler {self.seed}")
        return self

    def handle_request(self, request):
        root, _, rest = request.url.path.partition("/entity/")
        if request.method == "PUT" and rest and self._chance.random() < 0.05:
            self._meddle(f"http://embedded{root}/entity/{rest.partition('/')[0]}/annotations2")
            self.entities.add(rest.partition("/")[0])
        return self._inner.handle_request(request)

    def _meddle(self, url):
        with httpx.Client(transport=_Kept(self._inner), headers=self._headers) as client:
            body = client.get(url).json()
            body["annotations"]["theirs"] = {"type": "STRING", "value": ["x"]}
            client.put(url, json=body).raise_for_status()


class _Kept(httpx.BaseTransport):
    """Another one's transport, which stays open."""

    def __init__(self, inner):
        self._inner = inner

    def handle_request(self, request):
        return self._inner.handle_request(request)


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """The workspace not applied yet, and applied once with changes made since."""
    empty = many_files(tmp_path_factory.mktemp("template") / "w", FILES)
    changed = copied(empty, tmp_path_factory.mktemp("changed") / "w")
    assert changed.apply().exit_code is ExitCode.OK
    change_many(changed)
    return empty, changed


@pytest.fixture(scope="module")
def calm(templates, tmp_path_factory):
    """What runs without faults leave."""
    found = []
    for template in templates:
        bench = copied(template, tmp_path_factory.mktemp("calm") / "w")
        assert bench.apply().exit_code is ExitCode.OK
        found.append(content_of(bench.root))
    return found


@pytest.fixture(scope="module")
def weather():
    """What went wrong in all storms so far, and how many there were ("storms")."""
    return Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_stormy_apply_and_at_most_one_rerun_end_as_a_calm_one(templates, calm, weather, tmp_path, seed):
    bench, meddler = copied(templates[seed % 2], tmp_path / "w"), Meddler(seed)
    share, faults = (0.02, PASSING) if seed % 4 < 2 else (0.05 + 0.25 * (seed % 5) / 4, FAULTS)
    storm = Storm(seed, share, list(Expiry)[seed // 2 % 3], around=meddler.around, faults=faults)
    report = stormy(bench, storm)
    weather.update(storm.met)
    weather.update({"storms": 1, MEDDLED: len(meddler.entities)})
    if report is None or report.exit_code is not ExitCode.OK:
        again = bench.apply()
        assert again.exit_code is ExitCode.OK, again
    there = content_of(bench.root)
    theirs = [path for path, (_, annotations, _) in there.items() if annotations.pop("theirs", None)]
    assert len(theirs) == len(meddler.entities)
    assert there == calm[seed % 2]
    planned = bench.plan()
    assert planned.is_empty, planned.text


def stormy(bench, storm):
    """Apply in a storm; None when the whole run ended with an error."""
    still, bench.open_backend = bench.open_backend, storm.open
    try:
        with contextlib.suppress(ReconcilerError):
            return bench.apply()
        return None
    finally:
        bench.open_backend = still


def test_storms_met_every_kind_of_fault(weather):
    if weather["storms"] < len(SEEDS):
        pytest.skip("only after all storms")
    assert {*FAULTS, Expiry.TOKEN, Expiry.UPLOAD, MEDDLED} - {kind for kind, times in weather.items() if times} == set()


@pytest.mark.parametrize("seed", range(3))
def test_upload_address_that_expires_costs_one_file_until_the_rerun(templates, calm, tmp_path, seed):
    bench = copied(templates[0], tmp_path / "w")
    storm = Storm(seed, share=0, expiry=Expiry.UPLOAD)
    report = stormy(bench, storm)
    assert (storm.met[Expiry.UPLOAD], len(report.failures)) == (1, 1)
    assert bench.apply().exit_code is ExitCode.OK
    assert content_of(bench.root) == calm[0]


def test_token_that_expires_ends_the_run_and_is_shown_nowhere(templates, calm, tmp_path):
    bench = copied(templates[0], tmp_path / "w")
    report = stormy(bench, Storm(7, share=0, expiry=Expiry.TOKEN))
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    assert "(401): The token expired" in report.failures[0].summary
    assert bench.apply().exit_code is ExitCode.OK
    assert content_of(bench.root) == calm[0]
    token = (bench.root / ".reconciler/backend/local-token").read_text().strip()
    assert token not in str(report)
