"""What was given up on its way out: seen, explained and sent again by its project, and by all's."""

from collections.abc import AsyncIterator

import pytest

from app.foundation.db.database import Database
from app.notifications.channels import Failed
from app.notifications.models import Origin
from app.notifications.outbox import Outlets
from app.settings import Settings
from tests.conftest import add_project
from tests.integration.api.live import Live
from tests.integration.events.test_relay import Answering, happen, rows
from tests.integration.typed import set_environment, spool
from workers.outbox_relay import OutboxRelay

REFUSED = Failed("550 no such mailbox", permanent=True)


@pytest.fixture
async def telling(database_url: str) -> AsyncIterator[Database]:
    """The database as a process opens it whose events go to a topic."""
    opened = Database(database_url, pool_size=2, info=Outlets(Origin.API, topic=True).info)
    yield opened
    await opened.close()


async def give_up(database: Database, project_id: str, *types: str) -> list[str]:
    """The ids of events that a relay has given up."""
    ids = await happen(database, project_id, *types)
    channel = Answering(REFUSED)
    assert await OutboxRelay(database, [channel]).relay_once(channel) == len(ids)
    return ids


async def test_a_project_sees_why_and_has_it_sent_again(live: Live, telling: Database) -> None:
    dead = await give_up(telling, live.project_id, "asset.created", "asset.ready")
    [waiting] = await happen(telling, live.project_id, "asset.updated")

    page = (await live.client.get("/v1/events/deliveries?state=dead&limit=1")).json()
    [shown] = page["items"]
    assert (shown["event_id"], shown["type"], shown["state"]) == (dead[1], "asset.ready", "dead")
    assert (shown["attempts"], shown["error"]) == (1, "550 no such mailbox")
    assert (shown["next_at"], shown["finished_at"] is not None) == (None, True)
    following = f"/v1/events/deliveries?state=dead&limit=1&cursor={page['next_cursor']}"
    [other] = (await live.client.get(following)).json()["items"]
    assert other["event_id"] == dead[0]

    one = await live.client.post("/v1/events/deliveries/redeliver", json={"event_ids": [dead[0]]})
    assert (one.status_code, one.json()) == (202, {"redelivered": 1})
    rest = await live.client.post("/v1/events/deliveries/redeliver")
    assert rest.json() == {"redelivered": 1}
    channel = Answering()
    await OutboxRelay(telling, [channel]).relay_once(channel)
    assert channel.given == [[*dead, waiting]]
    every = (await live.client.get("/v1/events/deliveries")).json()["items"]
    assert [(each["event_id"], each["state"], each["error"]) for each in every] == [
        (event_id, "sent", None) for event_id in (waiting, dead[1], dead[0])
    ]


async def test_others_see_and_send_nothing(live: Live, telling: Database) -> None:
    await give_up(telling, live.project_id, "asset.created")
    stranger = live.headers(await add_project(telling, "Another"))
    listed = await live.client.get("/v1/events/deliveries", headers=stranger)
    assert listed.json()["items"] == []
    path = "/v1/events/deliveries/redeliver"
    assert (await live.client.post(path, headers=stranger)).json() == {"redelivered": 0}
    viewer = await live.client.post(path, headers=live.headers(role="viewer"))
    assert (viewer.status_code, viewer.json()["code"]) == (403, "scope_missing")


async def test_who_runs_spool_sees_and_sends_those_of_all_projects(
    telling: Database, project_id: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, settings)
    none = await spool("events", "dead")
    assert (none.status, none.out) == (0, ""), none.err
    another = await add_project(telling, "Another")
    mine = await give_up(telling, project_id, "asset.created", "asset.ready")
    theirs = await give_up(telling, another, "asset.failed")

    items = (await spool("events", "dead", "--json")).json()["items"]
    assert {(each["project_id"], each["event_id"], each["error"]) for each in items} == {
        (project, event_id, "550 no such mailbox")
        for project, ids in ((project_id, mine), (another, theirs))
        for event_id in ids
    }
    assert len((await spool("events", "dead", "--limit", "2", "--json")).json()["items"]) == 2
    told = await spool("events", "dead")
    assert f"{theirs[0]}  asset.failed   {another}  topic" in told.out
    assert "events redeliver" in told.err

    one = await spool("events", "redeliver", mine[0])
    assert one.out == "1 delivery waits to be sent again.\n", one.err
    gone = await spool("events", "forget", mine[0], mine[1], "evt_unknown")
    assert gone.out == "1 delivery is forgotten.\n", gone.err
    assert (await spool("events", "redeliver", "--json")).json() == {"redelivered": 1}
    assert [row.event_id for row in await rows(telling, project_id)] == [mine[0]]

    monkeypatch.setenv("SPOOL_DATABASE_URL", "postgresql+asyncpg://spool@127.0.0.1:9/spool")
    away = await spool("events", "dead")
    assert (away.status, away.out) == (1, "")
    assert away.err.startswith("error: The database: ")
