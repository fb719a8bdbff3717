"""Tasks that travel: values, errors and versions on the way there and back."""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace

import pytest

from reconciler import errors
from reconciler.errors import Problem, ReconcilerError, SourceError
from reconciler.execution.remote_task import run_sealed, seal, unseal


def _half(number: int) -> int:
    if number % 2:
        raise SourceError([Problem(f"{number} is odd")])
    return number // 2


def _fail_with_connection(_: object) -> None:
    error = RuntimeError("token-123")
    error.connection = threading.Lock()  # type: ignore[attr-defined]  # cannot be pickled
    raise error


def _import_missing(_: object) -> None:
    import no_such_package_anywhere  # type: ignore[import-not-found]  # noqa: F401


def test_result_comes_back():
    assert unseal(run_sealed(seal(_half, 8))) == 4


def test_error_comes_back_with_its_problems():
    with pytest.raises(SourceError) as caught:
        unseal(run_sealed(seal(_half, 7)))
    assert caught.value.problems == (Problem("7 is odd"),)


def test_error_that_cannot_be_pickled_is_named_without_its_text():
    with pytest.raises(RuntimeError, match="RuntimeError in a task") as caught:
        unseal(run_sealed(seal(_fail_with_connection, None)))
    assert "token" not in str(caught.value)


def test_other_version_on_the_worker_is_told():
    with pytest.raises(ReconcilerError, match=r"this is 0\.0\.0"):
        unseal(run_sealed(replace(seal(_half, 8), version="0.0.0")))


def test_package_that_the_worker_lacks_is_told():
    with pytest.raises(ReconcilerError, match="lacks a package: no_such_package_anywhere") as caught:
        unseal(run_sealed(seal(_import_missing, None)))
    assert "every worker" in caught.value.fix


def test_sealed_task_shows_nothing_of_its_content():
    assert "secret" not in repr(seal(_half, "secret"))  # type: ignore[arg-type]


_MADE = {
    errors.MissingExtra: errors.MissingExtra("reading", "s3"),
    errors.Throttled: errors.Throttled("slow down", operation="GET /", retry_after_s=2.5),
    **{kind: kind([Problem("wrong", fix="right")]) for kind in (errors.ConfigError, errors.SourceError)},
}


def _kinds(kind: type[ReconcilerError]) -> list[type[ReconcilerError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


@pytest.mark.parametrize("kind", sorted(set(_kinds(ReconcilerError)), key=lambda kind: kind.__name__))
def test_every_error_is_the_same_after_pickling(kind):
    error = _MADE.get(kind) or kind("it failed", fix="repeat")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
