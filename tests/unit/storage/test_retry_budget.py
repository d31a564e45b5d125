"""How many requests may be tried again."""

import pytest

from app.foundation.storage.errors import StoreUnavailable
from app.foundation.storage.retry_budget import RetryBudget


def test_the_reserve_is_all_that_trouble_gets() -> None:
    budget = RetryBudget(reserve=3, earned=0.1)
    for _ in range(3):
        budget.spend()
    with pytest.raises(StoreUnavailable):
        budget.spend()


def test_in_the_long_run_a_tenth_is_tried_again() -> None:
    budget = RetryBudget(reserve=3, earned=0.1)
    tried_again = 0
    for _ in range(10_000):
        budget.earn()
        try:
            budget.spend()
        except StoreUnavailable:
            continue
        tried_again += 1
    assert 990 <= tried_again <= 1010


def test_it_never_holds_more_than_the_reserve() -> None:
    budget = RetryBudget(reserve=3, earned=1)
    for _ in range(10):
        budget.earn()
    assert budget.left == 3
