from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.retry import (
    LONGEST_DELAY,
    LONGEST_OUTAGE,
    LONGEST_OUTAGE_DELAY,
    Again,
    Fault,
    GiveUp,
    plan_retry,
)


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


def test_an_outage_costs_no_attempts_and_waits_as_long_as_it_has_lasted() -> None:
    lasted = [timedelta(0), timedelta(seconds=40), timedelta(hours=3)]
    plans = [plan_retry(Fault.OUTAGE, 5, 5, outage=outage, jitter=1.0) for outage in lasted]
    delays = [timedelta(seconds=2), timedelta(seconds=40), LONGEST_OUTAGE_DELAY]
    assert plans == [Again(delay, counts=False) for delay in delays]


def test_an_outage_ends_by_time() -> None:
    assert plan_retry(Fault.OUTAGE, 1, 5, outage=LONGEST_OUTAGE) == GiveUp()


@given(st.floats(0, 1))
def test_a_task_outlasts_an_outage_of_hours_in_few_tries(jitter: float) -> None:
    outage, tries = timedelta(0), 0
    while isinstance(plan := plan_retry(Fault.OUTAGE, 1, 5, outage=outage, jitter=jitter), Again):
        assert timedelta(seconds=1) <= plan.delay <= LONGEST_OUTAGE_DELAY
        outage, tries = outage + plan.delay, tries + 1
    assert LONGEST_OUTAGE <= outage <= LONGEST_OUTAGE + LONGEST_OUTAGE_DELAY
    assert tries < 600
