"""What `submit` asks of the cluster, and what it refuses."""

from __future__ import annotations

import io
import os
import shlex
from pathlib import Path

import pytest

from reconciler.cli.console import Console
from reconciler.cli.settings import Settings
from reconciler.cli.submitting import SubmitChoices, passed_environment, run_submit
from reconciler.errors import UsageError
from reconciler.execution.jobs import JobRequest

SECRET = "sesame-0123456789"


def _settings(**options: object) -> Settings:
    return Settings(Console(io.StringIO(), io.StringIO(), dict(os.environ)), **options)  # type: ignore[arg-type]


def test_job_runs_in_the_folder_itself_with_arguments_quoted():
    request = JobRequest(("apply", "--target", 'AssetSet/a["b c"]'), Path("/shared/my work"))
    words = shlex.split(request.entrypoint)
    assert words[3:] == ["--no-input", "--chdir", "/shared/my work", "apply", "--target", 'AssetSet/a["b c"]']
    assert request.runtime_env == {}


def test_uploaded_folder_goes_without_caches():
    request = JobRequest(("plan",), Path("/w"), is_sent=True)
    assert "--chdir" not in request.entrypoint
    assert request.runtime_env == {"working_dir": "/w", "excludes": ["/.reconciler", ".git"]}


def test_secret_is_in_the_environment_of_the_job_alone():
    request = JobRequest(("plan",), Path("/w"), environ=passed_environment(["TOKEN"], {"TOKEN": SECRET, "B": "c"}))
    assert request.runtime_env == {"env_vars": {"TOKEN": SECRET}}
    assert SECRET not in request.entrypoint + repr(request)


def test_value_given_for_a_name_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="TOKEN") as caught:
        passed_environment([f"TOKEN={SECRET}", "NOPE"], {"TOKEN": "x"})
    assert SECRET not in str(caught.value)
    assert "NOPE" in str(caught.value)


def test_options_of_the_program_before_the_job_are_refused():
    with pytest.raises(UsageError, match="behind '--'"):
        run_submit(_settings(environment="prod"), SubmitChoices((), None, Path()))


def test_copy_that_would_hold_the_state_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"\.reconciler/state\.db, \.reconciler/backend"):
        run_submit(_settings(), SubmitChoices((), None, Path(), upload=True))
