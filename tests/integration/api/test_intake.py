"""What arrived beside the API, as its project sees it."""

import pytest

from app.intake import arrivals, streams
from app.intake.notices import Landed
from app.intake.shards import Group
from tests.conftest import add_project
from tests.integration.api.live import Live
from tests.integration.typed import spool


async def refuse(live: Live, *names: str) -> None:
    async with live.database.project(live.project_id) as tx:
        for name in names:
            landed = Landed("sources", f"incoming/{live.project_id}/{name}", 0, None, name)
            await arrivals.refuse_unseen(
                tx, live.project_id, landed, "upload_empty", "The file has no bytes."
            )


async def test_refused_objects_are_told_and_taken_once_more(live: Live) -> None:
    await refuse(live, "a.mov", "b.mov")
    page = (await live.client.get("/v1/arrivals?state=refused&limit=1")).json()
    [shown] = page["items"]
    assert shown["key"] == f"incoming/{live.project_id}/b.mov"
    assert shown["error"] == {"code": "upload_empty", "message": "The file has no bytes."}
    assert (shown["upload_id"], shown["asset_id"]) == (None, None)
    rest = f"/v1/arrivals?state=refused&limit=1&cursor={page['next_cursor']}"
    [other] = (await live.client.get(rest)).json()["items"]

    stranger = live.headers(await add_project(live.database, "Another"))
    assert (await live.client.get("/v1/arrivals", headers=stranger)).json()["items"] == []
    nothing = await live.client.post("/v1/arrivals/retry", headers=stranger)
    assert nothing.json() == {"retried": 0}
    viewer = await live.client.post("/v1/arrivals/retry", headers=live.headers(role="viewer"))
    assert viewer.status_code == 403

    one = await live.client.post("/v1/arrivals/retry", json={"arrival_ids": [other["id"]]})
    assert (one.status_code, one.json()) == (202, {"retried": 1})
    every = (await live.client.get("/v1/arrivals")).json()["items"]
    assert [(each["state"], each["error"]) for each in every] == [
        ("refused", shown["error"]),
        ("taking", None),
    ]


async def test_streams_that_failed_tell_why(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(live.project_id, "spool", "videos")
    async with live.database.project(live.project_id) as tx:
        await streams.fail(
            tx, live.store, group, "holiday", None, "stream_gap", "Record 0 is lost."
        )
    [shown] = (await live.client.get("/v1/streams?state=failed")).json()["items"]
    assert (shown["stream_id"], shown["stream"], shown["state"]) == ("holiday", "videos", "failed")
    assert shown["error"] == {"code": "stream_gap", "message": "Record 0 is lost."}
    assert (await live.client.get("/v1/streams?state=completed")).json()["items"] == []

    token = live.headers()["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("SPOOL_SERVER", live.settings.public_url)
    monkeypatch.setenv("SPOOL_API_KEY", token)
    told = await spool("streams", "--state", "failed")
    # The server of this process logs there, too.
    [line] = [line for line in told.out.splitlines() if line.startswith("holiday")]
    assert line.split()[1] == "failed", told.err
    assert line.endswith("Record 0 is lost.")
