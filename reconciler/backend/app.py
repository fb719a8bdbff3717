"""The embedded server as a WSGI application: both dialects, told apart by the path.

app = create_app(folder)
client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://embedded.local",
                      headers={"SYNAPSE-ACCESS-TOKEN": app.store.local_token()})
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.backend.datamaker.dispatch import Dispatcher
from reconciler.backend.sage.dispatch import SageDispatcher, is_ours
from reconciler.backend.store import Store, open_store
from reconciler.backend.wire import Environ, StartResponse, from_environ, send


class App:
    """The WSGI callable over one open store. Safe to call from several threads."""

    def __init__(self, store: Store, *, takes_packs: bool = False) -> None:
        self.store = store
        self._datamaker = Dispatcher(store, takes_packs=takes_packs)
        self._sage = SageDispatcher(store)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = from_environ(environ)
        dialect = self._sage if is_ours(request.path) else self._datamaker
        response = dialect.answer(request)
        return send(response, start_response, head=request.method == "HEAD")

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def create_app(
    store: Path | Store,
    *,
    seed: Mapping[str, Any] | None = None,
    first_id: int | None = None,
    takes_packs: bool = False,
) -> App:
    """Make the application over a store folder, which is made when it does not exist, or over an open store.

    seed: a seed document, applied every time (only with a folder); first_id: see `open_store`.
    takes_packs: announce that small files may come several in one request; worth it only over HTTP.
    Raises ConfigError for a bad seed, StateError when the folder is no store.
    """
    opened = store if isinstance(store, Store) else open_store(store, seed=seed, first_id=first_id)
    return App(opened, takes_packs=takes_packs)
