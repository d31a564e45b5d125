"""How many requests may be tried again, all callers together.

Tries per request bound what one caller adds to a store's trouble; this bounds what all of them do.
A reserve lets short trouble pass unseen. When it is spent, trouble is not short, and tries again
would be one more load on what is overloaded: from then on only calls that succeed earn more.

With 0.6 for each, a store may fail for 37 of 100 requests for ever, and each call is still tried
until it succeeds. One that fails more often than that counts as down.
"""

import threading
from typing import Any

from app.foundation.storage.errors import StoreUnavailable

RESERVE = 500.0
# So that in the long run at most 1.6 times as many requests are made as there are calls.
EARNED = 0.6
_THROTTLED = 429


class RetryBudget:
    """A token bucket; thread-safe.

    Args:
        reserve: Tries again that may be made in a row, in all; where the bucket begins and ends.
        earned: What a call that succeeds adds.
    """

    def __init__(self, *, reserve: float = RESERVE, earned: float = EARNED) -> None:
        self._reserve = reserve
        self._earned = earned
        self._left = reserve
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        return self._left

    def earn(self) -> None:
        with self._lock:
            self._left = min(self._reserve, self._left + self._earned)

    def spend(self) -> None:
        """Pays for one try again.

        Raises:
            StoreUnavailable: the budget is spent.
        """
        with self._lock:
            if self._left < 1:
                raise StoreUnavailable("the store fails too often for requests to be tried again")
            self._left -= 1

    def watch(self, client: Any, *, attempts: int) -> None:
        """Makes the retries of a botocore client, which has `attempts` for a request, pay."""

        def needs_retry(**event: Any) -> None:
            answer, error = event["response"], event["caught_exception"]
            status = 0 if answer is None else answer[0].status_code
            failed = error is not None or status >= 500 or status == _THROTTLED
            if failed and event["attempts"] < attempts:
                self.spend()
            elif not failed:
                self.earn()

        # Before botocore's own handler decides. One that raises ends the call with what it raises.
        client.meta.events.register_first("needs-retry.s3", needs_retry)
