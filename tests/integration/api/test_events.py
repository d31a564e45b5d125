"""Server-sent events, as a client reads them from the socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, text

from app.assets import service
from app.assets.states import fail_asset
from app.foundation.db.database import Database
from app.foundation.errors import Unauthenticated
from app.notifications.listener import EventListener
from app.notifications.models import Event
from app.notifications.service import announce_progress, publish
from app.notifications.stream import EventStream
from tests.conftest import add_project
from tests.integration.api.live import Live

DAY = timedelta(days=1)


async def add(live: Live, project_id: str | None = None) -> str:
    project_id = project_id or live.project_id
    async with live.database.project(project_id) as tx:
        asset = await service.create_asset(
            tx, project_id=project_id, title="a", filename="a.mp4", expires=DAY
        )
    return asset.id


async def fail(live: Live, asset_id: str) -> None:
    async with live.database.project(live.project_id) as tx:
        assert await fail_asset(tx, asset_id, "x", "It broke.")


class Listening:
    """A stream that is being read."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next event, or {"comment": …}."""
        message: dict[str, Any] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if not line:
                    return message
                name, _, value = line.partition(":")
                message[name or "comment"] = value.strip()
        raise AssertionError("the stream has ended")

    async def event(self) -> dict[str, Any]:
        while True:
            message = await self.next()
            if "data" in message:
                message["data"] = json.loads(message["data"])
                return message


@asynccontextmanager
async def listen(live: Live, path: str, last: str | None = None) -> AsyncIterator[Listening]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with live.client.stream("GET", path, headers=headers, timeout=20) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        listening = Listening(response)
        assert (await listening.next())["comment"] == "connected"
        yield listening


async def test_what_happens_to_an_asset_is_told_at_once(live: Live) -> None:
    mine, other = await add(live), await add(live)
    async with listen(live, f"/v1/assets/{mine}/events") as events:
        await fail(live, other)
        await fail(live, mine)
        told = await events.event()
    assert told["event"] == "asset.failed"
    assert told["data"]["asset_id"] == mine
    assert told["data"]["error"] == {"code": "x", "message": "It broke."}


async def test_progress_is_pushed_and_leaves_no_row(live: Live) -> None:
    asset_id = await add(live)
    async with listen(live, f"/v1/assets/{asset_id}/events") as events:
        async with live.database.project(live.project_id) as tx:
            await announce_progress(
                tx, project_id=live.project_id, asset_id=asset_id, data={"progress": 0.5}
            )
        told = await events.event()
    assert told == {
        "event": "task.progress",
        "data": {"asset_id": asset_id, "progress": 0.5},
    }
    async with live.database.project(live.project_id) as tx:
        assert (await tx.scalars(select(Event.type))).all() == ["asset.created"]


async def test_who_comes_back_gets_what_was_missed_and_then_what_happens(live: Live) -> None:
    first, second = await add(live), await add(live)
    async with live.database.project(live.project_id) as tx:
        ids = (await tx.scalars(select(Event.id).order_by(Event.id))).all()
    async with listen(live, "/v1/events", last=ids[0]) as events:
        missed = await events.event()
        assert (missed["id"], missed["data"]["asset_id"]) == (ids[1], second)
        await fail(live, first)
        told = await events.event()
        assert (told["event"], told["data"]["asset_id"]) == ("asset.failed", first)
    async with listen(live, f"/v1/assets/{first}/events", last=ids[0]) as events:
        assert (await events.event())["id"] == told["id"]


async def test_what_is_rolled_back_is_not_told(live: Live) -> None:
    asset_id = await add(live)
    async with listen(live, "/v1/events") as events:
        async with live.database.project(live.project_id) as tx:
            await fail_asset(tx, asset_id, "x", "Not so.")
            await tx.rollback()
        await fail(live, asset_id)
        assert (await events.event())["data"]["error"]["message"] == "It broke."


async def test_a_project_hears_nothing_of_another(live: Live) -> None:
    stranger = await add_project(live.database)
    async with listen(live, "/v1/events") as events:
        await add(live, stranger)
        mine = await add(live)
        assert (await events.event())["data"]["asset_id"] == mine


async def test_a_broken_connection_to_the_database_loses_nothing(live: Live) -> None:
    async with listen(live, "/v1/events") as events:
        await add(live)
        await events.event()
        # The server ends the listening connection, and something happens before the next one is.
        async with live.database.connection() as connection:
            ended = await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = 'spool-events' AND datname = current_database()"
                )
            )
            assert ended.scalars().all() == [True]
        missed = await add(live)
        assert (await events.event())["data"]["asset_id"] == missed
        later = await add(live)
        assert (await events.event())["data"]["asset_id"] == later


async def test_a_silent_stream_is_kept_open_until_the_credentials_end(
    database: Database, project_id: str
) -> None:
    listener = EventListener(database)
    await listener.start()
    asked = 0

    async def still_allowed() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Unauthenticated("credentials_invalid", "The key was revoked.")

    stream = EventStream(
        database,
        listener,
        project_id=project_id,
        asset_id=None,
        after=None,
        still_allowed=still_allowed,
        heartbeat_seconds=0.05,
    )
    async with asyncio.timeout(10):
        sent = [message async for message in stream.run()]
    assert sent == [b": connected\n\n", b": still here\n\n", b": still here\n\n"]
    await listener.close()


async def test_a_client_that_does_not_read_is_brought_up_from_the_table(
    database: Database, project_id: str
) -> None:
    listener = EventListener(database)
    await listener.start()

    async def always() -> None:
        return None

    stream = EventStream(
        database, listener, project_id=project_id, asset_id=None, after="", still_allowed=always
    ).run()
    assert await anext(stream) == b": connected\n\n"
    reading = asyncio.ensure_future(anext(stream))
    async with database.project(project_id) as tx:
        for number in range(1500):
            await publish(tx, project_id=project_id, asset_id=None, type="t", data={"n": number})
    received = [await reading]
    async with asyncio.timeout(20):
        while len(received) < 1500:
            received.append(await anext(stream))
    told = [json.loads(message.partition(b"data: ")[2])["n"] for message in received]
    assert told == list(range(1500))
    await listener.close()


async def test_ids_that_are_none_are_refused(live: Live) -> None:
    answer = await live.client.get("/v1/events", headers={"Last-Event-ID": "7"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    missing = await live.client.get("/v1/assets/ast_0/events")
    assert missing.status_code == 404
