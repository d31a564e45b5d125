from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.retry import LONGEST_DELAY, Again, Fault, GiveUp, plan_retry


def test_the_inputs_fault_is_never_tried_again() -> None:
    assert plan_retry(Fault.INPUT, 1, 5) == GiveUp()


def test_the_last_attempt_is_the_last() -> None:
    assert plan_retry(Fault.HOST, 5, 5) == GiveUp()


def test_a_lost_lease_waits_for_nobody() -> None:
    assert plan_retry(Fault.LEASE_LOST, 2, 5) == Again(timedelta(0))


def test_the_delay_doubles() -> None:
    delays = [plan_retry(Fault.HOST, attempt, 99, jitter=1.0) for attempt in (1, 2, 3, 50)]
    assert delays == [
        Again(timedelta(seconds=2)),
        Again(timedelta(seconds=4)),
        Again(timedelta(seconds=8)),
        Again(LONGEST_DELAY),
    ]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_delay_stays_between_half_a_step_and_the_longest(attempt: int, jitter: float) -> None:
    plan = plan_retry(Fault.HOST, attempt, 100_000, jitter=jitter)
    assert isinstance(plan, Again)
    assert timedelta(seconds=1) <= plan.delay <= LONGEST_DELAY
