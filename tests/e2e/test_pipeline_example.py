"""The pipeline example, carried out: its scripts run as they stand, on the quick start, with a stand-in for `gh`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
GITOPS = EXAMPLES / "gitops"
GITHUB = GITOPS / ".github" / "workflows"


def load(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def github_scripts(workflow: str, job: str) -> list[str]:
    steps = load(GITHUB / workflow)["jobs"][job]["steps"]
    return [re.sub(r"\$\{\{ github\.event\.number \}\}", "7", step["run"]) for step in steps if "run" in step]


def gitlab_scripts(job: str) -> list[str]:
    return ["\n".join(load(GITOPS / ".gitlab-ci.yml")[job]["script"])]


FORGES = {
    "github": {
        "plan": github_scripts("reconcile.yaml", "plan"),
        "apply": github_scripts("reconcile.yaml", "apply"),
        "drift": github_scripts("drift.yaml", "drift"),
    },
    "gitlab": {job: gitlab_scripts(job) for job in ("plan", "apply", "drift")},
}


class Pipeline:
    """A repository with the quick start, and a runner that outlives its jobs."""

    def __init__(self, folder: Path, jobs: Mapping[str, list[str]]) -> None:
        self.jobs = jobs
        self.folder = folder
        self.repository = folder / "repository"
        self.home = folder / "home"
        self.summary = folder / "summary.md"
        self.number = 0
        shutil.copytree(EXAMPLES / "quickstart", self.repository)
        (folder / "bin").mkdir()
        stand_in = folder / "bin" / "gh"
        stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{folder}/gh.log"\n')
        stand_in.chmod(0o755)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=self.repository, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def run(self, job: str) -> subprocess.CompletedProcess[str]:
        """Run the scripts of a job in a fresh checkout, as a runner does; the last one that ran."""
        self.number += 1
        checkout = self.folder / f"checkout-{self.number}"
        subprocess.run(["git", "clone", "--quiet", str(self.repository), str(checkout)], check=True)
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {
            **os.environ,
            "PATH": path,
            "RECONCILER_HOME": str(self.home),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "NO_COLOR": "1",
        }
        done = subprocess.CompletedProcess[str]([], 0, "", "")
        for script in self.jobs[job]:
            shell = ["bash", "-e", "-o", "pipefail", "-c", script]
            done = subprocess.run(shell, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                break
        self.checkout = checkout
        return done


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(tmp_path, FORGES["github"])


def test_files_of_the_example_are_yaml_with_jobs() -> None:
    for path in sorted(GITHUB.glob("*.yaml")):
        assert load(path)["jobs"], path.name
    assert {"plan", "apply", "drift"} <= load(GITOPS / ".gitlab-ci.yml").keys()


def test_every_command_of_the_example_is_in_a_script_that_the_tests_run() -> None:
    """What these tests run is all there is."""
    files = [*GITHUB.glob("*.yaml"), GITOPS / ".gitlab-ci.yml"]
    pattern = re.compile(r"(?:^|: |- )(reconciler (?:-|[a-z]).*)$", re.MULTILINE)
    written = {line.strip() for file in files for line in pattern.findall(file.read_text(encoding="utf-8"))}
    run = {
        line.strip() for jobs in FORGES.values() for scripts in jobs.values() for s in scripts for line in s.split("\n")
    }
    assert written
    assert written <= run


@pytest.mark.parametrize("forge", sorted(FORGES))
def test_pipeline_applies_the_reviewed_plan_once_and_finds_no_drift(tmp_path: Path, forge: str) -> None:
    pipeline = Pipeline(tmp_path, FORGES[forge])
    planned = pipeline.run("plan")
    assert planned.returncode == 0, planned.stderr
    assert "Plan: 9 to add, 0 to change, 0 to destroy." in (pipeline.checkout / "plan.md").read_text(encoding="utf-8")

    applied = pipeline.run("apply")
    assert applied.returncode == 0, applied.stderr
    assert "No changes." in applied.stdout

    again = pipeline.run("apply")
    assert again.returncode == 13, "a plan is applied once"
    assert "make a new plan" in again.stderr

    looked = pipeline.run("drift")
    assert looked.returncode == 0, looked.stdout


def test_pipeline_tree_that_nobody_reviewed_is_refused(pipeline: Pipeline) -> None:
    pipeline.run("plan")
    document = pipeline.repository / "collection.yaml"
    document.write_text(document.read_text().replace("title: COCO photographs", "title: Another title"))
    pipeline.commit()
    refused = pipeline.run("apply")
    assert refused.returncode == 13
    assert "No plan was reviewed for this tree" in refused.stdout
    assert not (pipeline.home / "state.db").exists()


def test_pipeline_broken_document_fails_the_pull_request(pipeline: Pipeline) -> None:
    document = pipeline.repository / "assets.yaml"
    document.write_text(document.read_text().replace("collection: photos", "collection: fotos"))
    pipeline.commit()
    failed = pipeline.run("plan")
    assert failed.returncode == 10
    assert "assets.yaml:6:" in failed.stderr
    assert "photos" in failed.stderr


def test_github_example_puts_the_plan_on_the_pull_request(pipeline: Pipeline) -> None:
    assert pipeline.run("plan").returncode == 0
    assert (pipeline.folder / "gh.log").read_text().startswith("pr comment 7 --body-file plan.md")
    assert "### Plan for `quickstart`" in pipeline.summary.read_text(encoding="utf-8")
