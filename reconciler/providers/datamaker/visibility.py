"""What a plan points out when a collection or a project is opened or closed to others."""

from __future__ import annotations

from reconciler.plan.refusals import Remark

_LEVEL = ("datamaker", "access_level")
_CAUTION = ("datamaker", "caution")

REMARKS = (
    Remark(_LEVEL, "danger: access_level public lets everybody find and read it, without any role", ("public",)),
    Remark(_LEVEL, "danger: access_level partially_public lets everybody see that it exists", ("partially_public",)),
    Remark(_LEVEL, "danger: who has no role on it cannot see it any more", ("private",), only_changed=True),
    Remark(_CAUTION, "danger: the notice about sensitive content is taken off", ("",), only_changed=True),
)
