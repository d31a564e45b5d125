"""Takes what has to leave out of the outbox and hands it to its channel.

Any number of processes may run one. A row is in the hand of one relay for a while and comes back by
itself if that relay dies: what was sent and not yet marked is sent again under the same event id,
and nothing is lost.
"""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from datetime import timedelta

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.clock import Clock, utc_now
from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.foundation.db.listening import listen_forever
from app.foundation.telemetry.spans import start_joint_span, within
from app.notifications import outbox_rows
from app.notifications.channels import Channel, Claimed, Delivery, Failed, Outcome
from app.notifications.models import ChannelName, Event
from app.notifications.outbox_rows import Backlog
from app.notifications.redelivery import plan_redelivery
from app.notifications.service import CHANNEL

log = structlog.get_logger(__name__)
_tracer = trace.get_tracer("spool.outbox")

DELIVERIES = Counter(
    "spool_outbox_deliveries_total",
    "Attempts to send, by how they ended: sent, failed (tried again) or dead (given up).",
    ["channel", "outcome"],
)
ROWS = Gauge("spool_outbox_rows", "Rows that wait to leave or were given up.", ["channel", "state"])
OLDEST = Gauge("spool_outbox_oldest_seconds", "Age of the oldest row that waits.", ["channel"])

_UPKEEP_SECONDS = 30.0
# What is under way when the process ends gets so long to be marked, so that it is not sent twice.
_LAST_SECONDS = 3.0


class OutboxRelay:
    """Sends until cancelled, each channel at its own pace.

    Args:
        hold: For how long a row is in hand. A batch that takes longer may be sent twice.
        poll_seconds: Between two looks when nothing rang: rows become due by time as well.
        keep: How long rows that have left stay.
    """

    def __init__(
        self,
        database: Database,
        channels: Sequence[Channel],
        *,
        hold: timedelta = timedelta(seconds=90),
        poll_seconds: float = 2.0,
        keep: timedelta = timedelta(days=1),
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._channels = channels
        self._hold = hold
        self._poll_seconds = poll_seconds
        self._keep = keep
        self._clock = clock
        self._bells: dict[ChannelName, asyncio.Event] = {}

    async def run_forever(self) -> None:
        self._bells = {channel.name: asyncio.Event() for channel in self._channels}
        async with asyncio.TaskGroup() as together:
            # Also without channels: what is left of a time with some is to be seen.
            together.create_task(self._keep_up())
            if self._channels:
                together.create_task(self._listen())
            for channel in self._channels:
                together.create_task(self._relay(channel, self._bells[channel.name]))

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()

    async def relay_once(self, channel: Channel) -> int:
        """Claims a batch, sends it and writes down what came of it; how many rows it had.

        Raises:
            DBAPIError: the database is away; what was claimed comes back by itself.
        """
        async with self._database.dispatch() as tx:
            rows = await outbox_rows.claim(
                tx, channel.name, limit=channel.batch_size, hold=self._hold
            )
        if rows:
            await _to_its_end(self._send(channel, rows))
        return len(rows)

    async def _listen(self) -> None:
        await listen_forever(
            self._database, CHANNEL, self._heard, connected=self._ring, name="spool-outbox"
        )

    def _heard(self, payload: str) -> None:
        # Progress is announced the same way, and leaves no row.
        if json.loads(payload).get("id"):
            self._ring()

    def _ring(self) -> None:
        for bell in self._bells.values():
            bell.set()

    async def _relay(self, channel: Channel, bell: asyncio.Event) -> None:
        while True:
            bell.clear()
            try:
                if await self.relay_once(channel) == channel.batch_size:
                    continue
            except DATABASE_ERRORS as error:
                log.warning("outbox.database_away", channel=channel.name.value, error=str(error))
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await bell.wait()
            except TimeoutError:
                continue

    async def _send(self, channel: Channel, rows: Sequence[Claimed]) -> None:
        batch = await self._with_events(rows)
        span = start_joint_span(
            _tracer,
            f"send {channel.name.value}",
            [(row.correlation_id, row.traceparent) for row in rows],
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "spool",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": channel.name.value,
                "messaging.batch.message_count": len(batch),
            },
        )
        with within(span):
            outcomes = await self._outcomes(channel, batch)
        await self._settle(channel.name, list(zip(batch, outcomes, strict=True)))

    async def _outcomes(self, channel: Channel, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        try:
            return await channel.deliver(batch)
        # A channel's fault must not end the relay: each row says what it was.
        except Exception as error:
            log.exception("outbox.channel_broke", channel=channel.name.value)
            return [Failed(repr(error))] * len(batch)

    async def _with_events(self, rows: Sequence[Claimed]) -> list[Delivery]:
        """Each with its event, which only its own project's role may read."""
        ids: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            ids[row.project_id].append(row.event_id)
        events: dict[str, Event] = {}
        for project_id, wanted in ids.items():
            async with self._database.project(project_id) as tx:
                found = await tx.scalars(select(Event).where(Event.id.in_(wanted)))
                events |= {event.id: event for event in found}
        # An event that was erased meanwhile has taken its rows along.
        return [Delivery(row, events[row.event_id]) for row in rows if row.event_id in events]

    async def _settle(self, name: ChannelName, settled: Sequence[tuple[Delivery, Outcome]]) -> None:
        async with self._database.dispatch() as tx:
            sent = [delivery.row for delivery, outcome in settled if outcome is None]
            await outbox_rows.mark_done(tx, sent)
            for delivery, outcome in settled:
                if outcome is not None:
                    await self._mark_failed(tx, delivery.row, outcome)
        DELIVERIES.labels(name.value, "sent").inc(len(sent))

    async def _mark_failed(self, tx: AsyncSession, row: Claimed, failed: Failed) -> None:
        pause = plan_redelivery(
            row.attempt,
            self._clock() - row.created_at,
            permanent=failed.permanent,
            chance=random.random(),  # noqa: S311  # for a pause
        )
        await outbox_rows.mark_failed(tx, row, failed.error, pause=pause)
        what = "failed" if pause else "dead"
        DELIVERIES.labels(row.channel.value, what).inc()
        say = log.warning if pause else log.error
        say(
            f"outbox.{what}",
            channel=row.channel.value,
            event_id=row.event_id,
            project_id=row.project_id,
            correlation_id=row.correlation_id,
            attempt=row.attempt,
            error=failed.error,
            retry_seconds=pause and round(pause.total_seconds(), 1),
        )

    async def _keep_up(self) -> None:
        while True:
            try:
                await self.keep_up()
            except DATABASE_ERRORS as error:
                log.warning("outbox.database_away", error=str(error))
            await asyncio.sleep(_UPKEEP_SECONDS)

    async def keep_up(self) -> None:
        """Forgets what left long ago, and measures what has not."""
        async with self._database.dispatch() as tx:
            await outbox_rows.remove_done(tx, older_than=self._keep)
            backlogs = await outbox_rows.measure(tx)
        for name in ChannelName:
            backlog = backlogs.get(name, Backlog())
            ROWS.labels(name.value, "waiting").set(backlog.waiting)
            ROWS.labels(name.value, "dead").set(backlog.dead)
            age = (self._clock() - backlog.oldest).total_seconds() if backlog.oldest else 0
            OLDEST.labels(name.value).set(max(0, age))


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Who is cancelled meanwhile lets it end, within reason."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running}, timeout=_LAST_SECONDS)
        running.cancel()
        raise
