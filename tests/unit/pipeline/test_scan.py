from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.scan import PacketTimes, read_cadence, settle_rate

TICK = Fraction(1, 1000)


def packets(*times: int, keys: set[int] | None = None) -> list[PacketTimes]:
    keys = {times[0]} if keys is None else keys
    return [PacketTimes(time, 0, time in keys) for time in times]


def test_rounded_times_are_a_constant_rate() -> None:
    times = [round(n * 1000 / 30) for n in range(90)]
    cadence = read_cadence(packets(*times), TICK)
    assert cadence is not None
    assert not cadence.variable
    assert settle_rate(cadence, TICK, base_rate=Fraction(30), average_rate=Fraction(1000)) == 30


def test_gaps_make_a_variable_rate() -> None:
    times = [n * 40 for n in range(50)] + [2000 + n * 80 for n in range(50)]
    cadence = read_cadence(packets(*times), TICK)
    assert cadence is not None
    assert cadence.variable
    assert cadence.longest_gap == 80


def test_one_lost_frame_in_many_is_still_constant() -> None:
    times = [n * 40 for n in range(300) if n != 100]
    cadence = read_cadence(packets(*times), TICK)
    assert cadence is not None
    assert not cadence.variable
    assert settle_rate(cadence, TICK, base_rate=Fraction(25), average_rate=Fraction(24)) == 25


def test_a_rate_that_no_container_names_is_measured() -> None:
    cadence = read_cadence(packets(*range(0, 4000, 80)), TICK)
    assert settle_rate(cadence, TICK, base_rate=Fraction(25), average_rate=None) == Fraction(25, 2)


def test_pictures_before_their_keyframe_mean_an_open_gop() -> None:
    closed = read_cadence(packets(0, 120, 40, 80, 160, 280, 200, keys={0, 160}), TICK)
    opened = read_cadence(packets(0, 120, 40, 80, 240, 160, 200, keys={0, 240}), TICK)
    assert closed is not None
    assert opened is not None
    assert (closed.closed_gop, opened.closed_gop) == (True, False)
    assert closed.has_b_frames


def test_an_empty_track_has_no_cadence() -> None:
    assert read_cadence([], TICK) is None
    assert settle_rate(None, TICK, base_rate=None, average_rate=Fraction(90_000)) == 25


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
def test_any_times_are_survived(times: list[int]) -> None:
    cadence = read_cadence(packets(*times), TICK)
    assert cadence is not None
    assert cadence.first <= cadence.end
    assert settle_rate(cadence, TICK, base_rate=Fraction(30), average_rate=None) > 0
