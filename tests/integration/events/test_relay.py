"""From a transaction to a queue that somebody else reads."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text, update

from app.foundation.db.database import Database
from app.foundation.telemetry.correlation import bind_correlation
from app.notifications.channels import Delivery, Failed, Outcome
from app.notifications.models import ChannelName, Origin, OutboxRow
from app.notifications.outbox import Outlets
from app.notifications.service import publish
from app.notifications.topic import TopicChannel
from tests.conftest import add_project
from tests.integration.events.conftest import Open, Subscribed
from workers.outbox_relay import OutboxRelay

pytestmark = pytest.mark.usefixtures("aws_credentials")


async def happen(
    database: Database, project_id: str, *types: str, asset_id: str | None = "ast_1"
) -> list[str]:
    async with database.project(project_id) as tx:
        return [
            await publish(
                tx, project_id=project_id, asset_id=asset_id, type=type_, data={"state": "x"}
            )
            for type_ in types
        ]


async def rows(database: Database, project_id: str) -> Sequence[OutboxRow]:
    async with database.project(project_id) as tx:
        return (await tx.scalars(select(OutboxRow).order_by(OutboxRow.event_id))).all()


class Answering:
    """A channel that does as it is told, and remembers what it was given."""

    name = ChannelName.TOPIC
    batch_size = 100

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.given: list[list[str]] = []

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        self.given.append([delivery.event.id for delivery in batch])
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return [outcome] * len(batch)

    async def close(self) -> None: ...


async def test_an_event_reaches_the_queue_with_its_attributes(
    api_database: Database, project_id: str, topic: TopicChannel, heard: Subscribed
) -> None:
    bind_correlation("cor_test")
    [event_id] = await happen(api_database, project_id, "asset.created")
    relay = OutboxRelay(api_database, [topic])

    assert await relay.relay_once(topic) == 1

    [message] = heard.drain()
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes == {
        "type": "asset.created",
        "project_id": project_id,
        "correlation_id": "cor_test",
    }
    assert f'"id":"{event_id}"' in message["Body"]
    assert '"origin":"api"' in message["Body"]
    [row] = await rows(api_database, project_id)
    assert (row.attempts, row.last_error, row.done_at is not None) == (1, None, True)
    assert await relay.relay_once(topic) == 0


async def test_many_events_of_an_asset_leave_in_order(
    api_database: Database, project_id: str, topic: TopicChannel, heard: Subscribed
) -> None:
    ids = await happen(api_database, project_id, *["asset.updated"] * 35)

    await OutboxRelay(api_database, [topic]).relay_once(topic)

    assert sorted(event["id"] for event in heard.events()) == ids


async def test_what_is_rolled_back_is_not_sent(
    api_database: Database, project_id: str, topic: TopicChannel, heard: Subscribed
) -> None:
    async def break_off() -> None:
        async with api_database.project(project_id) as tx:
            await publish(tx, project_id=project_id, asset_id=None, type="asset.created", data={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    assert await OutboxRelay(api_database, [topic]).relay_once(topic) == 0
    assert heard.drain() == []


async def test_a_process_without_outlets_writes_no_rows(
    database: Database, open_database: Open, project_id: str
) -> None:
    await happen(database, project_id, "asset.created")
    await happen(open_database(Outlets(Origin.WORKER)), project_id, "asset.ready")
    assert await rows(database, project_id) == []


async def test_a_running_relay_hears_of_events_at_once(
    api_database: Database, project_id: str
) -> None:
    sent = asyncio.Event()

    class Told(Answering):
        async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
            sent.set()
            return await super().deliver(batch)

    relay = OutboxRelay(api_database, [Told()], poll_seconds=3600)
    running = asyncio.create_task(relay.run_forever())
    try:
        while not sent.is_set():
            # Again and again, because it may not listen yet.
            await happen(api_database, project_id, "asset.created")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await sent.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_failure_waits_and_holds_back_what_comes_after_it(
    api_database: Database, project_id: str
) -> None:
    [first] = await happen(api_database, project_id, "asset.created")
    channel = Answering(Failed("away"))
    relay = OutboxRelay(api_database, [channel])
    await relay.relay_once(channel)
    [second] = await happen(api_database, project_id, "asset.ready")
    [other] = await happen(api_database, project_id, "asset.created", asset_id="ast_2")

    await relay.relay_once(channel)
    async with api_database.dispatch() as tx:
        await tx.execute(update(OutboxRow).values(next_at=func.clock_timestamp()))
    await relay.relay_once(channel)

    assert channel.given == [[first], [other], [first, second]]


async def test_a_channel_that_breaks_is_a_failure_of_its_batch(
    api_database: Database, project_id: str
) -> None:
    await happen(api_database, project_id, "asset.created")
    channel = Answering(KeyError("fault of ours"))
    await OutboxRelay(api_database, [channel]).relay_once(channel)
    [row] = await rows(api_database, project_id)
    assert row.last_error == "KeyError('fault of ours')"
    assert row.next_at > row.created_at
    assert row.dead_at is None


async def test_what_can_never_succeed_is_given_up_and_stays_to_be_seen(
    api_database: Database, project_id: str
) -> None:
    await happen(api_database, project_id, "asset.created")
    channel = Answering(Failed("550 no such user", permanent=True))
    relay = OutboxRelay(api_database, [channel], keep=timedelta(0))
    await relay.relay_once(channel)
    await relay.keep_up()
    assert await relay.relay_once(channel) == 0
    [row] = await rows(api_database, project_id)
    assert row.dead_at is not None
    assert row.last_error == "550 no such user"


async def test_what_failed_for_days_is_given_up(api_database: Database, project_id: str) -> None:
    await happen(api_database, project_id, "asset.created")
    channel = Answering(Failed("away"))
    relay = OutboxRelay(
        api_database, [channel], clock=lambda: datetime.now(UTC) + timedelta(days=4)
    )
    async with api_database.dispatch() as tx:
        await tx.execute(update(OutboxRow).values(attempts=19))
    await relay.relay_once(channel)
    [row] = await rows(api_database, project_id)
    assert row.dead_at is not None


async def test_two_relays_do_not_send_the_same_twice(
    api_database: Database, project_id: str
) -> None:
    ids = await happen(api_database, project_id, *["asset.updated"] * 50, asset_id=None)
    channels = [Answering(), Answering()]
    await asyncio.gather(
        *(OutboxRelay(api_database, [channel]).relay_once(channel) for channel in channels)
    )
    given = [event_id for channel in channels for batch in channel.given for event_id in batch]
    assert sorted(given) == ids


async def test_what_has_left_is_forgotten_after_a_while(
    api_database: Database, project_id: str
) -> None:
    await happen(api_database, project_id, "asset.created")
    channel = Answering()
    await OutboxRelay(api_database, [channel]).relay_once(channel)
    await OutboxRelay(api_database, [channel]).keep_up()
    assert len(await rows(api_database, project_id)) == 1
    await OutboxRelay(api_database, [channel], keep=timedelta(0)).keep_up()
    assert await rows(api_database, project_id) == []


async def test_projects_share_a_batch_and_see_only_their_own_rows(
    api_database: Database, project_id: str
) -> None:
    another = await add_project(api_database, "Another")
    mine = await happen(api_database, project_id, "asset.created")
    theirs = await happen(api_database, another, "asset.created")
    channel = Answering()
    await OutboxRelay(api_database, [channel]).relay_once(channel)
    assert channel.given == [[*mine, *theirs]]
    async with api_database.project(project_id) as tx:
        seen = (await tx.execute(text("SELECT event_id FROM outbox"))).scalars().all()
    assert seen == mine


async def test_operators_see_what_waits_and_what_was_given_up(
    api_database: Database, project_id: str
) -> None:
    def seen(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"channel": "topic", **labels})

    await happen(api_database, project_id, "asset.created", asset_id="ast_1")
    await happen(api_database, project_id, "asset.created", asset_id="ast_2")
    channel = Answering(Failed("never", permanent=True))
    channel.batch_size = 1
    before = seen("spool_outbox_deliveries_total", outcome="dead") or 0
    relay = OutboxRelay(api_database, [channel])
    await relay.relay_once(channel)
    await relay.keep_up()
    assert seen("spool_outbox_rows", state="waiting") == 1
    assert seen("spool_outbox_rows", state="dead") == 1
    assert seen("spool_outbox_deliveries_total", outcome="dead") == before + 1
    assert (seen("spool_outbox_oldest_seconds") or 0) > 0
