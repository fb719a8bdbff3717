import io

import pytest

from reconciler.errors import SourceError
from reconciler.providers.body import CHUNK_BYTES, Body

CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)


class Opener:
    def __init__(self, content=CONTENT):
        self.content, self.opened = content, 0

    def __call__(self):
        self.opened += 1
        return io.BytesIO(self.content)


def _read(body, offset, size):
    return b"".join(body.part(offset, size, lambda _: None))


def test_body_read_whole_gives_its_bytes_in_chunks():
    counted = []
    chunks = list(Body(Opener(), len(CONTENT)).part(0, len(CONTENT), counted.append))
    assert b"".join(chunks) == CONTENT
    assert counted == [len(chunk) for chunk in chunks]
    assert max(counted) <= CHUNK_BYTES


def test_body_read_in_consecutive_parts_is_opened_once():
    opener = Opener()
    body = Body(opener, len(CONTENT))
    half = len(CONTENT) // 2
    assert _read(body, 0, half) + _read(body, half, len(CONTENT) - half) == CONTENT
    assert opener.opened == 1


def test_body_part_read_again_is_opened_again():
    opener = Opener()
    body = Body(opener, len(CONTENT))
    first, again = _read(body, 1000, 500), _read(body, 1000, 500)
    assert first == again == CONTENT[1000:1500]
    assert opener.opened == 2


@pytest.mark.parametrize(("size", "reason"), [(5, "longer"), (7, "shorter")])
def test_body_of_another_size_than_planned_fails(size, reason):
    with pytest.raises(SourceError, match=f"a/b.png is {reason} than"):
        _read(Body(Opener(b"123456"), size, "a/b.png"), 0, size)


def test_body_hands_out_no_last_chunk_before_the_end_was_checked():
    chunks = Body(Opener(b"x" * (CHUNK_BYTES + 2)), CHUNK_BYTES + 1).part(0, CHUNK_BYTES + 1, lambda _: None)
    assert len(next(chunks)) == CHUNK_BYTES
    with pytest.raises(SourceError):
        next(chunks)
