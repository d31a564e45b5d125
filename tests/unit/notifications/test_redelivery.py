from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.notifications.redelivery import (
    GIVE_UP_AFTER,
    GIVE_UP_ATTEMPTS,
    pause_after,
    plan_redelivery,
)

attempts = st.integers(1, 10_000)
chances = st.floats(0, 1)


@given(attempts, chances)
def test_a_pause_is_never_nothing_and_never_more_than_an_hour(attempt: int, chance: float) -> None:
    assert timedelta(seconds=0.5) <= pause_after(attempt, chance) <= timedelta(hours=1)


@given(attempts, chances)
def test_pauses_grow(attempt: int, chance: float) -> None:
    assert pause_after(attempt + 1, chance) >= pause_after(attempt, chance)


def test_what_failed_together_is_spread() -> None:
    assert pause_after(5, 0.0) == timedelta(seconds=8)
    assert pause_after(5, 1.0) == timedelta(seconds=16)


def test_it_is_given_up_after_days_and_tries_and_not_before_both() -> None:
    def plan(attempt: int, waited: timedelta) -> timedelta | None:
        return plan_redelivery(attempt, waited, permanent=False, chance=0)

    moment = timedelta(seconds=1)
    assert plan(GIVE_UP_ATTEMPTS, GIVE_UP_AFTER) is None
    assert plan(GIVE_UP_ATTEMPTS - 1, GIVE_UP_AFTER) is not None
    assert plan(GIVE_UP_ATTEMPTS, GIVE_UP_AFTER - moment) is not None


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert plan_redelivery(1, timedelta(0), permanent=True, chance=0) is None
