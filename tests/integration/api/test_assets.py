"""Assets: lists in every order, edits that see each other, deletion, and plain words."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select, text, update

from app.assets import deletion, service
from app.assets.models import Asset, AssetState
from app.assets.queries import Filter, list_assets
from app.assets.schemas import AssetSort
from app.assets.states import fail_asset, move_asset
from app.foundation.db.database import Database
from app.foundation.errors import Conflict, NotFound
from app.jobs.models import Job, JobState, Task, TaskState
from app.renditions.service import NewImage, NewRendition
from app.uploads.completion import finish_verification
from app.uploads.models import Upload, UploadState
from tests.conftest import add_project
from tests.integration.api.live import Live

DAY = timedelta(days=1)


async def add(live: Live, title: str, **columns: Any) -> str:
    async with live.database.project(live.project_id) as tx:
        asset = await service.create_asset(
            tx, project_id=live.project_id, title=title, filename="a.mp4", expires=DAY
        )
        if columns:
            await tx.execute(update(Asset).where(Asset.id == asset.id).values(**columns))
    return asset.id


async def processed(live: Live, *, sha256: str | None = None) -> str:
    """An asset whose source has arrived and was found right."""
    upload = await live.upload(b"x" * 1000)
    async with live.database.project(live.project_id) as tx:
        await finish_verification(tx, upload["id"], sha256=sha256, size=1000)
    return str(upload["asset_id"])


async def publish(live: Live, asset_id: str, prefix: str) -> None:
    async with live.database.project(live.project_id) as tx:
        await service.publish_media(
            tx,
            asset_id,
            media_prefix=prefix,
            duration_ms=60_000,
            renditions=[
                NewRendition(
                    name=name,
                    kind=kind,
                    codecs="avc1.64001f",
                    width=None,
                    height=height,
                    frame_rate=None,
                    bandwidth=2,
                    average_bandwidth=1,
                    segment_count=15,
                    duration_ms=60_000,
                    size_bytes=1,
                    copied=False,
                    conformance={"duration": "ok"},
                )
                for name, kind, height in [
                    ("audio", "audio", None),
                    ("360p", "video", 360),
                    ("720p", "video", 720),
                ]
            ],
            images=[NewImage("poster", f"images/{asset_id}/poster.jpg", "image/jpeg", 5)],
        )


async def walk(live: Live, query: str, limit: int) -> list[Any]:
    """Every page of a list, following its cursors."""
    items: list[Any] = []
    cursor = ""
    while True:
        answer = await live.client.get(f"/v1/assets?{query}&limit={limit}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("created", ["b", "C", "a", "A", "d"]),
        ("-created", ["d", "A", "a", "C", "b"]),
        ("title", ["a", "A", "b", "C", "d"]),
        ("-title", ["d", "C", "b", "A", "a"]),
        ("duration", ["C", "d", "a", "b", "A"]),
        ("-duration", ["A", "b", "a", "d", "C"]),
    ],
)
async def test_every_order_survives_its_pages(live: Live, sort: str, titles: list[str]) -> None:
    for title, duration in [("b", 30), ("C", None), ("a", 20), ("A", 40), ("d", None)]:
        await add(live, title, duration_ms=duration)
    for limit in (1, 3, 200):
        found = await walk(live, f"sort={sort}", limit)
        assert [asset["title"] for asset in found] == titles, limit


async def test_filters(live: Live) -> None:
    first = await add(live, "100% cotton_shirt")
    second = await add(live, "Wool")
    async with live.database.project(live.project_id) as tx:
        await fail_asset(tx, second, "x", "broken")
    by_title = await walk(live, "q=%25%20COTTON_", 10)
    assert [asset["id"] for asset in by_title] == [first]
    assert await walk(live, "q=cotton%25", 10) == []
    assert [a["id"] for a in await walk(live, "state=failed", 10)] == [second]
    made = (await live.client.get(f"/v1/assets/{first}")).json()["created_at"]
    later = await walk(live, f"created_after={made.replace('+', '%2B')}", 10)
    assert [asset["id"] for asset in later] == [second]
    earlier = await walk(live, f"created_before={made.replace('+', '%2B')}", 10)
    assert earlier == []


async def test_a_cursor_fits_only_the_list_it_came_from(live: Live) -> None:
    for title in "ab":
        await add(live, title)
    page = (await live.client.get("/v1/assets?limit=1&sort=title")).json()
    for query in ["sort=-title", "sort=created", "sort=title&q=a"]:
        answer = await live.client.get(f"/v1/assets?{query}&cursor={page['next_cursor']}")
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


async def test_each_page_is_a_range_of_an_index(
    database: Database, owner_url: str, project_id: str
) -> None:
    """A page in the middle of 10 000 rows is read from an index that starts there."""
    for project in (project_id, await add_project(database)):
        async with database.project(project) as tx:
            await tx.execute(_MANY, {"project": project})
    owner = Database(owner_url, pool_size=1)
    async with owner.connection() as connection:
        # What autovacuum does by itself, a little later.
        await connection.execute(text("ANALYZE assets"))
        await connection.commit()
    await owner.close()
    for sort in AssetSort:
        plan = await _plan_of_a_middle_page(database, project_id, sort)
        nodes = [plan, *plan["Plans"]]
        assert [node["Node Type"] for node in nodes] == ["Limit", "Index Scan"], (sort, plan)
        assert nodes[1]["Actual Rows"] == 51, sort
        assert nodes[1].get("Rows Removed by Filter", 0) == 0, sort
        assert "ROW(" in nodes[1]["Index Cond"], sort


async def _plan_of_a_middle_page(database: Database, project_id: str, sort: AssetSort) -> Any:
    """What PostgreSQL did for the very statement that the list sends."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    async with database.project(project_id) as tx:

        async def page(limit: int, cursor: str | None) -> str:
            found = await list_assets(
                tx, Filter(), sort=sort, limit=limit, cursor=cursor, public_url=""
            )
            return str(found.next_cursor)

        middle = await page(5000, None)
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        await page(50, middle)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
        statement, parameters = statements[0]
        explained = await (await tx.connection()).exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
        )
        return explained.scalar_one()[0]["Plan"]


_MANY = text(
    "INSERT INTO assets (id, project_id, title, state, duration_ms, created_at) "
    "SELECT 'ast_' || :project || i, :project, md5(i::text), 'ready', nullif(i % 1000, 0), "
    "now() - i * interval '1 s' FROM generate_series(1, 10000) i"
)


async def test_tombstones_are_listed_only_when_asked_for(live: Live) -> None:
    asset_id = await add(live, "a")
    async with live.database.project(live.project_id) as tx:
        await deletion.bury_asset(tx, asset_id)
    assert await walk(live, "", 10) == []
    assert [a["id"] for a in await walk(live, "state=deleted", 10)] == [asset_id]
    answer = await live.client.get(f"/v1/assets/{asset_id}")
    assert (answer.status_code, answer.json()["code"]) == (410, "asset_deleted")


async def test_an_edit_needs_the_version_it_was_made_on(live: Live) -> None:
    asset_id = await add(live, "a")
    path = f"/v1/assets/{asset_id}"
    etag = (await live.client.get(path)).headers["etag"]
    edit = {"title": " New\ttitle ", "tags": {"season": "2026"}}
    without = await live.client.patch(path, json=edit)
    assert (without.status_code, without.json()["code"]) == (428, "precondition_required")
    edited = await live.client.patch(path, json=edit, headers={"If-Match": etag})
    assert edited.status_code == 200, edited.text
    assert edited.json()["title"] == "New title"
    assert edited.json()["tags"] == {"season": "2026"}
    assert edited.headers["etag"] != etag
    stale = await live.client.patch(path, json={"title": "x"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    nothing = await live.client.patch(path, json={}, headers={"If-Match": edited.headers["etag"]})
    assert nothing.headers["etag"] == edited.headers["etag"]


async def test_of_edits_at_once_one_wins(live: Live) -> None:
    asset_id = await add(live, "a")
    etag = (await live.client.get(f"/v1/assets/{asset_id}")).headers["etag"]
    answers = await asyncio.gather(
        *(
            live.client.patch(
                f"/v1/assets/{asset_id}", json={"title": str(n)}, headers={"If-Match": etag}
            )
            for n in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": "\u202e\u0000"}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"tags": {"a": "\u0000"}}, "/tags/..."),
        ({"titel": "x"}, ""),
    ],
)
async def test_edits_that_do_not_fit(live: Live, edit: dict[str, Any], pointer: str) -> None:
    asset_id = await add(live, "a")
    answer = await live.client.patch(f"/v1/assets/{asset_id}", json=edit, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_published_asset_with_all_that_belongs_to_it(live: Live) -> None:
    asset_id = await processed(live)
    await publish(live, asset_id, "renditions/x/tsk_1.1")
    asset = (await live.client.get(f"/v1/assets/{asset_id}")).json()
    assert (asset["state"], asset["duration_ms"]) == ("ready", 60_000)
    assert asset["progress"] is None
    assert [r["name"] for r in asset["renditions"]] == ["720p", "360p", "audio"]
    assert [image["kind"] for image in asset["images"]] == ["poster"]
    [playback] = asset["playback_ids"]
    assert playback["urls"]["hls"] == f"{live.settings.public_url}/{playback['id']}.m3u8"
    listed = (await live.client.get(f"/v1/assets/{asset_id}/renditions")).json()["items"]
    assert listed[0]["conformance"] == {"duration": "ok"}
    [image] = (await live.client.get(f"/v1/assets/{asset_id}/images")).json()["items"]
    await live.store.put(f"images/{asset_id}/poster.jpg", b"JPEG!")
    async with httpx.AsyncClient() as nobody:
        assert (await nobody.get(image["url"])).content == b"JPEG!"


async def test_publishing_again_changes_nothing(live: Live) -> None:
    asset_id = await processed(live)
    await publish(live, asset_id, "renditions/x/tsk_1.1")
    first = await live.client.get(f"/v1/assets/{asset_id}")
    await publish(live, asset_id, "renditions/x/tsk_1.1")
    again = await live.client.get(f"/v1/assets/{asset_id}")
    assert again.json() == first.json()


async def test_the_source_can_be_fetched(live: Live) -> None:
    asset_id = await processed(live)
    link = (await live.client.get(f"/v1/assets/{asset_id}/source")).json()
    async with httpx.AsyncClient() as nobody:
        fetched = await nobody.get(link["url"])
    assert fetched.content == b"x" * 1000
    assert "film.mp4" in fetched.headers["content-disposition"]


async def test_deleting_stops_work_hides_and_leaves_a_tombstone(live: Live) -> None:
    asset_id = await processed(live)
    await publish(live, asset_id, f"renditions/{asset_id}/tsk_1.1")
    await live.store.put(f"renditions/{asset_id}/tsk_1.1/master.m3u8", b"#EXTM3U")
    await live.store.put(f"metadata/{asset_id}.json", b"{}")
    for _ in range(2):
        answer = await live.client.delete(f"/v1/assets/{asset_id}")
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "deleting"
    async with live.database.project(live.project_id) as tx:
        open_jobs = (await tx.scalars(select(Job.kind).where(Job.state == JobState.RUNNING))).all()
        assert open_jobs == ["delete"]
        remains = await deletion.remains_of(tx, asset_id)
    await deletion.erase(live.store, remains)
    async with live.database.project(live.project_id) as tx:
        await deletion.finish_deletion(tx, asset_id)
    assert [found async for found in live.store.list("")] == []
    again = await live.client.delete(f"/v1/assets/{asset_id}")
    assert (again.status_code, again.json()["state"]) == (202, "deleted")


async def test_deleting_while_uploading_calls_the_upload_off(live: Live) -> None:
    created = await live.begin(1000)
    assert (await live.client.delete(f"/v1/assets/{created['asset_id']}")).status_code == 202
    async with live.database.project(live.project_id) as tx:
        upload = (await tx.scalars(select(Upload))).one()
        assert upload.state is UploadState.CANCELLED
        remains = await deletion.remains_of(tx, created["asset_id"])
    await deletion.erase(live.store, remains)
    late = await live.send(created["parts"][0], b"x" * 1000)
    assert late.status_code == 404


async def test_a_failed_asset_is_processed_again(live: Live) -> None:
    asset_id = await processed(live)
    refused = await live.client.post(f"/v1/assets/{asset_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "asset_state")
    async with live.database.project(live.project_id) as tx:
        assert await fail_asset(tx, asset_id, "disk_full", "The disk was full.")
        assert not await fail_asset(tx, asset_id, "later", "Too late.")
    explained = (await live.client.get(f"/v1/assets/{asset_id}/explain")).json()
    assert "The disk was full." in explained["summary"]
    answer = await live.client.post(f"/v1/assets/{asset_id}/retry")
    assert answer.status_code == 202, answer.text
    assert (answer.json()["state"], answer.json()["error"]) == ("processing", None)
    async with live.database.project(live.project_id) as tx:
        kinds = (await tx.scalars(select(Task.kind).order_by(Task.id))).all()
    assert kinds[-1] == "probe"


async def test_an_explanation_says_what_runs_and_what_waits(live: Live) -> None:
    upload = await live.upload(b"x" * 10)
    path = f"/v1/assets/{upload['asset_id']}/explain"
    waiting = (await live.client.get(path)).json()
    assert "waiting for a free worker" in waiting["summary"]
    assert [step["kind"] for step in waiting["waiting"]] == ["ingest"]
    async with live.database.project(live.project_id) as tx:
        lease = {"state": TaskState.LEASED, "lease_until": text("now() + interval '1 min'")}
        await tx.execute(update(Task).values(attempt=2, progress=0.5, eta_seconds=7.0, **lease))
    running = (await live.client.get(path)).json()
    assert running["summary"] == (
        "Checking the uploaded file: 50% done, about 7 s to go. Attempt 2 of 5."
    )
    asset = (await live.client.get(f"/v1/assets/{upload['asset_id']}")).json()
    assert asset["progress"] == {"fraction": 0.015, "step": "ingest", "eta_seconds": 7.0}


async def test_only_ways_of_the_state_machine_are_open(live: Live) -> None:
    asset_id = await add(live, "a")
    async with live.database.project(live.project_id) as tx:
        for to in [AssetState.READY, AssetState.PROCESSING, AssetState.DELETED]:
            with pytest.raises(Conflict) as refused:
                await move_asset(tx, asset_id, to)
            assert refused.value.code == "asset_state"
        with pytest.raises(NotFound):
            await move_asset(tx, "ast_0", AssetState.FAILED)


async def test_assets_are_of_their_project_alone(live: Live) -> None:
    asset_id = await processed(live)
    stranger = live.headers(await add_project(live.database))
    for method, path in [
        ("GET", ""),
        ("GET", "/explain"),
        ("GET", "/source"),
        ("GET", "/renditions"),
        ("GET", "/images"),
        ("GET", "/events"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ]:
        answer = await live.client.request(method, f"/v1/assets/{asset_id}{path}", headers=stranger)
        assert answer.status_code == 404, path
    edit = await live.client.patch(
        f"/v1/assets/{asset_id}", json={"title": "x"}, headers=stranger | {"If-Match": "*"}
    )
    assert edit.status_code == 404
    listed = (await live.client.get("/v1/assets", headers=stranger)).json()
    assert listed["items"] == []


async def test_viewers_look_and_do_not_touch(live: Live) -> None:
    asset_id = await add(live, "a")
    viewer = live.headers(role="viewer")
    assert (await live.client.get(f"/v1/assets/{asset_id}", headers=viewer)).status_code == 200
    answer = await live.client.delete(f"/v1/assets/{asset_id}", headers=viewer)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
