"""A workspace whose backend is served over HTTP, so that other processes reach it too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tests.support.serving import served
from tests.support.workspace import AGES, ASSETS, COLLECTION, Bench, document

TOKEN = "syn_0123456789abcdef0123456789abcdef01234567"
_SEED = f"""
datamaker:
  tenants: [{{code: acme, name: Acme}}]
  users: [{{email: a@b.co, password: pw, name: Tester, tenants: [acme], tokens: [{TOKEN}]}}]
"""


@contextlib.contextmanager
def lab_workspace(folder: Path, keys: Sequence[str]) -> Iterator[Bench]:
    """Units of these keys, nothing applied yet."""
    root = folder / "w"
    root.mkdir(parents=True)
    bench = Bench(root)
    bench.units(keys)
    with served(folder, _SEED) as url:
        backend = {"type": "datamaker", "url": url, "tenant": "acme", "token": TOKEN}
        bench.documents = {
            ("Workspace", "w"): {"backends": {"lab": backend}, "defaultBackend": "lab"},
            ("Collection", "pics"): dict(COLLECTION),
            ("MetadataSource", "ages"): dict(AGES),
            ("AssetSet", "pics-2026"): dict(ASSETS),
        }
        texts = [yaml.safe_dump(document(kind, name, spec)) for (kind, name), spec in bench.documents.items()]
        (root / "reconciler.yaml").write_text("---\n".join(texts))
        yield bench
