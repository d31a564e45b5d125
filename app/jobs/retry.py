"""Whether a failed task runs again, and when: decided here and nowhere else."""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Fault(StrEnum):
    """Whose fault a failure is; only what is not the input's can go better next time."""

    INPUT = "input"
    HOST = "host"
    LEASE_LOST = "lease_lost"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended: a code for programs, a message for people."""

    fault: Fault
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Again:
    delay: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    pass


FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=15)


def plan_retry(
    fault: Fault, attempt: int, max_attempts: int, *, jitter: float | None = None
) -> Again | GiveUp:
    """What follows a failure of the attempt with this number (the first is 1).

    The delay doubles from 2 s to 15 min, and loses up to half at random ("equal jitter"), so that
    tasks that failed together do not come back together. A lost lease waits for nobody.

    Args:
        jitter: 0 to 1 in place of a random number.
    """
    if fault is Fault.INPUT or attempt >= max_attempts:
        return GiveUp()
    if fault is Fault.LEASE_LOST:
        return Again(timedelta(0))
    chance = random.random() if jitter is None else jitter  # noqa: S311  # spreads load only
    full = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt - 1, 20))
    return Again(full / 2 + full / 2 * chance)
