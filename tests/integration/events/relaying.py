"""A relay as a process of its own, for tests that kill it: `python -m …relaying <how>`.

`hang`: says `sent` once SNS has a batch, and never marks it. `run`: relays until it is killed.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta

import app.tables  # noqa: F401  # makes the foreign keys' other ends known
from app.foundation.db.database import Database
from app.notifications.channels import Channel, Delivery, Outcome
from app.seams import make_channels
from app.settings import load_settings
from workers.outbox_relay import OutboxRelay

HOLD = timedelta(seconds=1)


class Hanging:
    """Sends like the channel it is around, and does not come back."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.name = channel.name
        self.batch_size = channel.batch_size

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        await self._channel.deliver(batch)
        print("sent", flush=True)
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        await self._channel.close()


async def main(how: str) -> None:
    settings = load_settings()
    database = Database(settings.database_url.get_secret_value())
    channels: list[Channel] = list(make_channels(settings, database))
    if how == "hang":
        channels = [Hanging(channel) for channel in channels]
    relay = OutboxRelay(database, channels, hold=HOLD, poll_seconds=0.1)
    print("running", flush=True)
    await relay.run_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
