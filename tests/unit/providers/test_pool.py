from threading import Barrier

import pytest

from reconciler.providers.pool import Pool


@pytest.fixture
def pool():
    made = Pool(4)
    yield made
    made.close()


def test_map_gives_results_in_order(pool):
    assert pool.map(lambda n: n * n, range(50)) == [n * n for n in range(50)]


def test_map_runs_as_many_at_once_as_the_pool_has_threads(pool):
    barrier = Barrier(4, timeout=10)
    assert len(set(pool.map(lambda _: barrier.wait(), range(4)))) == 4


def test_map_raises_the_first_failure_in_order(pool):
    def fail(n):
        if n % 2:
            raise ValueError(n)

    with pytest.raises(ValueError, match=r"^1$"):
        pool.map(fail, range(10))


def test_map_of_nothing_starts_no_thread():
    pool = Pool(4)
    assert pool.map(str, []) == []
    assert pool._executor is None
