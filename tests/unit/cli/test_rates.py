from reconciler.cli.rates import Meter


def test_meter_without_time_says_nothing() -> None:
    meter = Meter(10, 100, 0.0)
    meter.update(1, 10, 0.5)
    assert (meter.bytes_per_s, meter.eta_s) == (0.0, None)


def test_meter_gives_the_longer_of_rows_and_bytes() -> None:
    meter = Meter(10, 1000, 0.0)
    meter.update(5, 100, 10.0)
    assert (meter.rows_per_s, meter.bytes_per_s, meter.eta_s) == (0.5, 10.0, 90.0)


def test_meter_follows_a_change_of_rate() -> None:
    meter = Meter(0, 10_000, 0.0)
    for second in range(1, 61):
        meter.update(0, second * 10 if second <= 30 else 300 + (second - 30) * 100, float(second))
    assert meter.bytes_per_s == 100.0


def test_meter_never_goes_back() -> None:
    meter = Meter(10, 0, 0.0)
    meter.update(5, 0, 2.0)
    meter.update(3, 0, 3.0)
    assert meter.rows == 5


def test_meter_of_finished_work_has_nothing_left() -> None:
    meter = Meter(10, 100, 0.0)
    meter.update(10, 100, 5.0)
    assert meter.eta_s is None
