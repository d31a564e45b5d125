"""The routes that other systems name, over the same services."""

from app.uploads.completion import finish_verification
from tests.conftest import add_project
from tests.integration.api.live import Live
from tests.integration.api.test_assets import publish


async def test_a_form_uploads_and_the_video_is_listed(live: Live) -> None:
    answer = await live.client.post(
        "/api/uploader/upload",
        files={"file": ("night.mp4", b"x" * 5000, "video/mp4")},
        data={"title": "Opening night"},
        headers={"X-Correlation-ID": "from-the-edge"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-correlation-id"] == "from-the-edge"
    uploaded = answer.json()
    assert (uploaded["filename"], uploaded["size_bytes"]) == ("night.mp4", 5000)
    assert uploaded["status"] == "verifying"
    listed = (await live.client.get("/api/analytics/videos")).json()
    assert [video["video_id"] for video in listed["videos"]] == [uploaded["video_id"]]
    video = (await live.client.get(f"/api/analytics/video/{uploaded['video_id']}")).json()
    assert (video["title"], video["status"]) == ("Opening night", "ingesting")
    assert video["playback_url"] is None


async def test_a_ready_video_has_its_links(live: Live) -> None:
    upload = await live.upload(b"x" * 10)
    async with live.database.project(live.project_id) as tx:
        await finish_verification(tx, upload["id"], sha256=None, size=10)
    await publish(live, upload["asset_id"], "renditions/x/tsk_1.1")
    video = (await live.client.get(f"/api/analytics/video/{upload['asset_id']}")).json()
    assert video["duration_seconds"] == 60.0
    assert video["playback_url"].endswith(".m3u8")
    assert video["thumbnail_url"].endswith("/poster.jpg")


async def test_they_ask_for_credentials_and_keep_projects_apart(live: Live) -> None:
    upload = await live.upload(b"x" * 10)
    paths = ["/api/analytics/videos", f"/api/analytics/video/{upload['asset_id']}"]
    for path in paths:
        answer = await live.client.get(path, headers={"Authorization": ""})
        assert answer.status_code == 401, path
    refused = await live.client.post(
        "/api/uploader/upload", content=b"x", headers={"Authorization": ""}
    )
    assert refused.status_code == 401
    stranger = live.headers(await add_project(live.database))
    assert (await live.client.get(paths[0], headers=stranger)).json()["videos"] == []
    assert (await live.client.get(paths[1], headers=stranger)).status_code == 404
