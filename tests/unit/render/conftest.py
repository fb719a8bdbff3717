"""Plan files made by hand."""

from tests.support.plans import make_plan

__all__ = ["make_plan"]
