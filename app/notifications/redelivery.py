"""When what did not get out is tried again: decided from figures alone."""

from datetime import timedelta

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 3600.0
_DOUBLINGS = 12
# An outage over a weekend is bridged. Both must be true: after a long standstill of ours, what
# waited through it gets its tries too.
GIVE_UP_AFTER = timedelta(days=3)
GIVE_UP_ATTEMPTS = 20


def pause_after(attempt: int, chance: float) -> timedelta:
    """How long to wait after this many attempts: doubling from 1 s to 1 h, spread by half.

    Args:
        attempt: From 1.
        chance: From 0 to 1, so that what failed together does not come back together.
    """
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(attempt - 1, _DOUBLINGS))
    return timedelta(seconds=longest * (0.5 + chance / 2))


def plan_redelivery(
    attempt: int, waited: timedelta, *, permanent: bool, chance: float
) -> timedelta | None:
    """The pause before the next attempt; None: there is none.

    Args:
        waited: Since the row was written.
        permanent: The last attempt ended in a way that no other can change.
    """
    if permanent or (attempt >= GIVE_UP_ATTEMPTS and waited >= GIVE_UP_AFTER):
        return None
    return pause_after(attempt, chance)
