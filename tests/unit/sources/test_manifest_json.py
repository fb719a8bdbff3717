"""Annotations as metadata values and back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from reconciler.formats.manifest_cells import Wire, WireType
from reconciler.model.json import JSON
from reconciler.sources.manifest_json import json_value, wire_of
from tests.support.manifests import wires


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (Wire(WireType.STRING, ("a",)), "a"),
        (Wire(WireType.STRING, ("2020-01-01",)), {"text": "2020-01-01"}),
        (Wire(WireType.DOUBLE, ("inf",)), {"double": "inf"}),
        (Wire(WireType.TIMESTAMP, ("1577836800000",)), "2020-01-01"),
        (Wire(WireType.TIMESTAMP, ("1577836800001",)), "2020-01-01T00:00:00.001Z"),
        (Wire(WireType.LONG, ("1", "2")), [1, 2]),
        (None, None),
    ],
)
def test_annotation_becomes_a_value(wire: Wire | None, value: JSON) -> None:
    assert json_value(wire) == value


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(wires())
def test_annotation_survives_as_a_value(wire: Wire) -> None:
    assert wire_of(json_value(wire)) == wire
