"""What a channel is given, and what it answers: the seam between the outbox and the world.

A later channel, such as webhooks, is one more class with a `name` of `ChannelName` and rows that
`outbox_inserts` writes for it; the relay and the table stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.notifications.models import ChannelName, Event, Origin


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of the outbox that this relay has in hand for a while.

    Args:
        attempt: The how manieth this is, from 1.
        created_at: Since when it has been waiting.
    """

    event_id: str
    project_id: str
    channel: ChannelName
    target: str
    origin: Origin
    correlation_id: str
    traceparent: str | None
    attempt: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one target."""

    row: Claimed
    event: Event


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not get there.

    Args:
        error: For an operator to read.
        permanent: Trying again cannot help.
    """

    error: str
    permanent: bool = False


# None: it has got there, or there is nobody left to send it to.
Outcome = Failed | None


class Channel(Protocol):
    """One way out. It tries once: when to try again is the relay's affair.

    Who receives must expect an event twice and tell it by its id: a process can die after it has
    sent and before it could write that down.
    """

    @property
    def name(self) -> ChannelName: ...

    @property
    def batch_size(self) -> int:
        """How many it sends well within the minute and a half that a relay has them in hand."""
        ...

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        """Sends, in the order given; an outcome for each, in the same order.

        What it raises counts as a failure of the whole batch, to be tried again.
        """
        ...

    async def close(self) -> None: ...
