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
    # What all work stands on was away, before or behind the work itself: the object store.
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended: a code for programs, a message for people."""

    fault: Fault
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt after a while; one that does not count is as if it had never been."""

    delay: timedelta
    counts: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    pass


FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=15)
# Work goes on so soon after an outage, and an outage may last so long.
LONGEST_OUTAGE_DELAY = timedelta(minutes=5)
LONGEST_OUTAGE = timedelta(hours=24)


def plan_retry(
    fault: Fault,
    attempt: int,
    max_attempts: int,
    *,
    outage: timedelta = timedelta(0),
    jitter: float | None = None,
) -> Again | GiveUp:
    """What follows a failure of the attempt with this number (the first is 1).

    The delay doubles from 2 s to 15 min, and loses up to half at random ("equal jitter"), so that
    tasks that failed together do not come back together. A lost lease waits for nobody.

    An outage is nothing that the work did: it costs time and no attempts. The delay is as long as
    the outage so far, 2 s to 5 min, less the same share, and a day of it is the end.

    Args:
        outage: For how long all attempts have failed by `Fault.OUTAGE`.
        jitter: 0 to 1 in place of a random number.
    """
    counts = fault is not Fault.OUTAGE
    if fault is Fault.INPUT or (attempt >= max_attempts if counts else outage >= LONGEST_OUTAGE):
        return GiveUp()
    if fault is Fault.LEASE_LOST:
        return Again(timedelta(0))
    if counts:
        full = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt - 1, 20))
    else:
        full = min(LONGEST_OUTAGE_DELAY, max(FIRST_DELAY, outage))
    chance = random.random() if jitter is None else jitter  # noqa: S311  # spreads load only
    return Again(full / 2 + full / 2 * chance, counts)
