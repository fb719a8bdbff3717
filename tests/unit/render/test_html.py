from collections.abc import Callable
from html.parser import HTMLParser

from reconciler.model.address import Address
from reconciler.plan.values import Action, Change, Reason, RowChange, RowCounts
from reconciler.render.html import plan_html
from reconciler.state.planfile import PlanFile

_VOID = {"meta"}


class Outline(HTMLParser):
    """Checks that elements nest, and collects their names and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_nests_escapes_and_loads_nothing(make_plan: Callable[..., PlanFile]) -> None:
    address = Address("AssetSet", "a")
    rows = [RowChange("<script>alert(1)</script>", Action.CREATE, Reason.NOT_REMOTE)]
    change = Change(address, Action.UPDATE, Reason.FIELDS_DIFFER, rows=RowCounts(create=1), notes=("<b>",))
    outline = Outline()
    outline.feed(plan_html(make_plan((change, rows), workspace="<w>")))
    assert outline.open == []
    assert not outline.seen & {"script", "b", "w", "img", "link"}
    assert outline.links == []
