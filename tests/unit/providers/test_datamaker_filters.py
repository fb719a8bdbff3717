import pytest

from reconciler.errors import Invalid
from reconciler.providers.datamaker.filters import wire_filters


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {}),
        ({"status_label": ["completed", "skipped"]}, {"status_label": ["completed", "skipped"]}),
        ({"status_label": "completed"}, {"status_label": ["completed"]}),
        ({"tags": [7, "8"]}, {"tags": "7,8"}),
        ({"workshop": 3}, {"workshop": "3"}),
        ({"is_confirmed": False}, {"is_confirmed": "false"}),
        (
            {"created": {"after": "2026-01-01", "before": "2026-02-01T00:00:00Z"}},
            {"created__gte": "2026-01-01", "created__lt": "2026-02-01T00:00:00Z"},
        ),
    ],
)
def test_filter_is_sent_as_the_service_reads_it(filters, expected):
    assert wire_filters("assignment", filters) == expected


@pytest.mark.parametrize(
    ("target", "filters", "message"),
    [
        ("assignment", {"status_lable": ["completed"]}, "did you mean 'status_label'"),
        ("task", {"status_label": ["completed"]}, "unknown for target 'task'"),
        ("assignment", {"tags": ["x"]}, "expected an id"),
        ("assignment", {"tags": []}, "expected an id"),
        ("assignment", {"tags": [True]}, "expected an id"),
        ("assignment", {"is_confirmed": "yes"}, "expected true or false"),
        ("assignment", {"created": "2026"}, "expected {after"),
        ("assignment", {"created": {"since": "2026-01-01"}}, "expected {after"),
        ("assignment", {"created": {"after": "soon"}}, "not an ISO date"),
        ("assignment", {"status_label": []}, "expected a word"),
        ("assignment", {"tags": list(range(10**6, 10**6 + 2000))}, "longer than"),
    ],
)
def test_filter_that_the_service_would_misread_is_refused(target, filters, message):
    with pytest.raises(Invalid, match=message):
        wire_filters(target, filters)


def test_filter_names_every_mistake_at_once():
    with pytest.raises(Invalid, match=r"filter\.a: .*; filter\.b: "):
        wire_filters("task", {"b": 1, "a": 1})
