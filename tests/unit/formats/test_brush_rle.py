"""The run-length code of brushes."""

import pytest

from reconciler.formats.brush_rle import decode_brush, encode_brush

# Both codes were made with `mask2rle` and `encode_rle` of label-studio-sdk.
CODE = [0, 0, 0, 60, 57, 27, 252, 96, 19, 255, 225, 176, 12, 39, 254]
SOFT = [0, 0, 0, 16, 57, 27, 252, 96, 0, 5, 0, 40, 0, 240, 16, 19, 128, 0]


def test_code_is_that_of_the_tool_byte_by_byte():
    assert encode_brush(((1, 2), (10, 5)), (5, 3)) == CODE
    assert decode_brush(CODE, (5, 3)) == ((1, 2), (10, 5))


def test_pixel_counts_by_its_alpha_alone():
    assert decode_brush(SOFT, (2, 2)) == ((1, 1),)


def test_runs_that_touch_are_one():
    assert encode_brush(((2, 1), (1, 1), (10, 5)), (5, 3)) == CODE


FAULTS = [
    ([], "not a list of bytes"),
    ([0, 300], "not a list of bytes"),
    (CODE[:5], "not that of"),
    (CODE[:10], "ends inside a run"),
    ([0, 0, 0, 61, *CODE[4:]], "not that of"),
]


@pytest.mark.parametrize(("code", "reason"), FAULTS)
def test_damaged_code_is_refused(code, reason):
    with pytest.raises(ValueError, match=reason):
        decode_brush(code, (5, 3))


def test_runs_outside_the_picture_are_refused():
    with pytest.raises(ValueError, match="reaches pixel"):
        encode_brush(((14, 2),), (5, 3))
