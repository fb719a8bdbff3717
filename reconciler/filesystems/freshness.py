"""Times of change in whole seconds, and when they say nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

_SETTLED_S = 2.0


def is_fresh(changed: Any) -> bool:
    """True for a time (datetime or seconds since 1970) less than two seconds ago: a second change would not show."""
    if isinstance(changed, datetime):
        changed = (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()
    return isinstance(changed, int | float) and 0 <= time.time() - changed < _SETTLED_S
