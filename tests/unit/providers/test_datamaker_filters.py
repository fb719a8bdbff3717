"""Names and values of export filters, and the listing that takes them."""

import pytest

from reconciler.config.checks.exports import FILTERS
from reconciler.errors import Invalid
from reconciler.providers.datamaker.filters import RULES, Query, wire_filters


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
    assert wire_filters("assignment", filters) == Query(2, expected)


@pytest.mark.parametrize(
    ("target", "filters", "expected", "reason"),
    [
        ("task", {"has_data": True}, Query(2, {"has_data": "true"}), "version 2 has it"),
        ("task", {"users": 3, "tags": 4}, Query(1, {"labelers": "3", "tags": "4"}), "only version 1 has them"),
        (
            "task",
            {"has_data": True, "tags": 4, "is_discarded": False},
            Query(1, {"tags": "4", "is_discarded": "false"}, has_data=True),
            "version 1 has no has_data, so it is checked on the records",
        ),
        ("assignment", {"exclude_ids": [1, 2]}, Query(1, {"ids_ex": "1,2"}), "only version 1 has it"),
        ("ground_truth", {}, Query(1), "only version 1 tells the category"),
        ("ground_truth", {"ids": 5, "exclude_ids": [6, 7]}, Query(1, {"ids": "5", "ids_ex": "6,7"}), "the generic ids"),
        ("ground_truth", {"category": "test"}, Query(1, {"category": "test"}), "one category"),
        ("ground_truth", {"category": ["a", "b"]}, Query(1, {"categories": ["a", "b"]}), "several categories"),
        ("ground_truth", {"classes": ["a", "b"]}, Query(1, {"classes": "a,b"}), "a comma list"),
    ],
)
def test_filter_goes_to_a_listing_that_honours_it(target, filters, expected, reason):
    assert wire_filters(target, filters) == expected, reason


def test_filters_of_the_provider_and_of_the_configuration_agree():
    assert {target: set(rules) for target, rules in RULES.items()} == {t: set(names) for t, names in FILTERS.items()}


@pytest.mark.parametrize(
    ("target", "filters", "message"),
    [
        ("assignment", {"status_lable": ["completed"]}, "did you mean 'status_label'"),
        ("task", {"task_tags": [1]}, "unknown for target 'task'"),
        ("ground_truth", {"categories": "test"}, "did you mean 'category'"),
        ("ground_truth", {"classes": ["a,b"]}, "separates names by commas"),
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
