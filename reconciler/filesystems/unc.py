r"""Windows' way of naming a folder on a server, `\\host\share\folder`, as the URL that it stands for."""

from __future__ import annotations

import os
from urllib.parse import quote


def unc_url(text: str) -> str | None:
    r"""The `smb://` URL of a path such as `\\host\share\folder`; None for anything else.

    On Windows these are paths of the system itself and stay what they are.

    Raises:
        ValueError: no host, or no share.
    """
    if not text.startswith("\\\\") or os.name == "nt":
        return None
    host, *parts = text[2:].replace("\\", "/").rstrip("/").split("/")
    if host in ("", ".", "?") or not parts or not parts[0]:
        raise ValueError(f"{text!r} names no share; write \\\\host\\share\\folder or smb://host/share/folder")
    return f"smb://{host}/{quote('/'.join(parts))}"
