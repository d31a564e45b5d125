"""Time as an argument, so that whoever signs or expires things can be tested at any hour."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """This machine's time. What orders work goes by the database's clock instead."""
    return datetime.now(UTC)
