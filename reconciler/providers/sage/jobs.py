"""Asynchronous jobs: started, then asked for until they have ended."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import Invalid, TimedOut
from reconciler.model.json import JSON
from reconciler.providers.http import HttpClient
from reconciler.providers.retry import Clock
from reconciler.providers.sage.wire import Row, object_in, text_in

_FIRST_S, _LONGEST_S, _TOTAL_S = 0.1, 5.0, 600.0


def run(
    client: HttpClient, path: str, body: Mapping[str, JSON], clock: Clock | None = None, *, repeatable: bool = False
) -> Row:
    """`POST {path}/start`, then `GET {path}/get/{token}` until it is no longer 202; returns the job's answer.

    repeatable: whether starting it twice has the effect of starting it once.

    Raises:
        Invalid: the job failed. TimedOut: it did not end within ten minutes.
    """
    clock = clock or Clock()
    reply = client.call("POST", f"{path}/start", body=dict(body), repeatable=repeatable)
    started = object_in(reply, f"POST {path}/start")
    token = text_in(started, "token", f"POST {path}/start")
    begun, pause_s = clock.now(), _FIRST_S
    while True:
        reply = client.get(f"{path}/get/{token}")
        if reply.status != 202:
            answer = object_in(reply, f"GET {path}/get")
            if answer.get("jobState") == "FAILED":
                raise Invalid(str(answer.get("errorMessage") or "the job failed"), operation=f"POST {path}/start")
            return answer
        if clock.now() - begun > _TOTAL_S:
            raise TimedOut(f"the job {path} did not end within {_TOTAL_S:.0f} s", fix="apply again")
        clock.sleep(pause_s)
        pause_s = min(_LONGEST_S, pause_s * 1.5)
