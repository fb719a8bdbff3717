"""JSON values, their one canonical text, and digests over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Any JSON value: None, bool, int, float, str, list or dict with str keys.
# (`Any`, since a recursive alias costs a cast at every use and catches nothing that schema checks do not.)
JSON = Any
JSONObject = Mapping[str, Any]

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: JSON) -> str:
    """Encode with sorted keys and no spaces; equal values give equal text. Raises ValueError on NaN or infinity."""
    return _canonical(value)


def digest(value: JSON) -> str:
    """Return the first 128 bits of SHA-256 over the canonical JSON, as 32 hex digits.

    Long enough that a collision among 10^9 values has a chance below 10^-20; half the size in state and plan.
    """
    return hashlib.sha256(_canonical(value).encode()).hexdigest()[:32]
