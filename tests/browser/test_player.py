"""The player page in Chromium: real media, real hls.js, nothing from elsewhere."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from app.foundation.db.database import Database
from app.playback.models import PlaybackPolicy
from app.playback.service import create_playback_id, revoke_playback_id
from app.playback.tokens import PlaybackTokens
from app.seams import make_signer, make_store
from app.settings import Settings
from tests.browser.conftest import Watched
from tests.published_media import MadeMedia, add_asset, publish

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "test-results"
PLAYING = "() => { const v = document.querySelector('video'); return v.currentTime > %s; }"


@pytest.fixture
async def asset_id(database: Database, project_id: str) -> str:
    return await add_asset(database, project_id, title="Ten seconds of test pattern")


@pytest.fixture
async def ready_id(
    database: Database, settings: Settings, made: MadeMedia, project_id: str, asset_id: str
) -> str:
    await publish(database, make_store(settings), made, project_id, asset_id)
    return asset_id


async def share(database: Database, project_id: str, asset_id: str, policy: PlaybackPolicy) -> str:
    async with database.project(project_id) as tx:
        row = await create_playback_id(tx, project_id=project_id, asset_id=asset_id, policy=policy)
    return row.id


@pytest.fixture
async def public_id(database: Database, project_id: str, ready_id: str) -> str:
    return await share(database, project_id, ready_id, PlaybackPolicy.PUBLIC)


async def test_plays_through_hls_js_and_asks_nobody_else(
    served: str, watched: Watched, public_id: str, made: MadeMedia
) -> None:
    page = watched.page
    await page.goto(f"{served}/watch/{public_id}")
    await page.get_by_role("button", name="Play").first.click()
    await page.wait_for_function(PLAYING % 1)
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / "player.png")

    # The picture has come from the media source that hls.js feeds, in the video's own size.
    assert (await page.evaluate("document.querySelector('video').src")).startswith("blob:")
    assert await page.evaluate("document.querySelector('video').videoHeight") in made.heights
    offered = await page.get_by_label("Quality").locator("option").all_inner_texts()
    assert offered[0].startswith("Auto")
    assert offered[1:] == [f"{height}p" for height in made.heights]

    await page.get_by_label("Quality").select_option(label=f"{made.heights[-1]}p")
    await page.wait_for_function(
        f"() => document.querySelector('video').videoHeight === {made.heights[-1]}"
    )
    assert any("/media/" in url and url.endswith(".m4s") for url in watched.requests)
    assert watched.elsewhere(served) == []
    assert watched.failures == []
    assert watched.complaints == []


async def test_keys_and_the_preview(served: str, watched: Watched, public_id: str) -> None:
    page = watched.page
    await page.goto(f"{served}/watch/{public_id}")
    await page.get_by_role("button", name="Play").first.wait_for()
    seek = page.get_by_label("Position")
    await expect(seek).to_have_attribute("max", "10")

    await page.keyboard.press("5")
    await page.wait_for_function("document.querySelector('video').currentTime === 5")
    await page.keyboard.press("ArrowRight")
    await page.wait_for_function("document.querySelector('video').currentTime === 10")
    await page.keyboard.press("m")
    await expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    await page.keyboard.press("0")
    await page.keyboard.press("k")
    await page.wait_for_function(PLAYING % 0.2)
    await page.keyboard.press("k")
    assert await page.evaluate("document.querySelector('video').paused")

    await seek.hover()
    preview = page.locator("[data-part=preview]")
    await expect(preview).to_contain_text("0:05")
    sheet = await preview.locator("[data-part=tile]").evaluate("e => e.style.backgroundImage")
    assert "storyboard-0.jpg" in sheet
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / "player-preview.png")
    assert watched.failures == []
    assert watched.complaints == []


async def test_waits_for_the_video_and_starts_by_itself(
    served: str,
    watched: Watched,
    database: Database,
    settings: Settings,
    made: MadeMedia,
    project_id: str,
    asset_id: str,
) -> None:
    playback_id = await share(database, project_id, asset_id, PlaybackPolicy.PUBLIC)
    page = watched.page
    await page.goto(f"{served}/watch/{playback_id}")
    await expect(page.get_by_role("status")).to_contain_text("being processed")
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await publish(database, make_store(settings), made, project_id, asset_id)
    await page.wait_for_function(PLAYING % 0.5)
    assert watched.failures == []
    assert watched.complaints == []


async def test_a_signed_video_plays_with_its_token_and_refuses_without(
    served: str,
    watched: Watched,
    database: Database,
    settings: Settings,
    project_id: str,
    ready_id: str,
) -> None:
    playback_id = await share(database, project_id, ready_id, PlaybackPolicy.SIGNED)
    page = watched.page
    refused = await page.goto(f"{served}/watch/{playback_id}")
    assert refused is not None
    assert refused.status == 401
    await expect(page.get_by_text("opens with a token")).to_be_visible()
    assert await page.locator("video").count() == 0
    watched.failures.clear()
    watched.complaints.clear()

    token, _ = PlaybackTokens(make_signer(settings)).mint(playback_id, timedelta(minutes=5))
    await page.goto(f"{served}/embed/{playback_id}?token={token}")
    await page.get_by_role("button", name="Play").first.wait_for()
    await page.keyboard.press("k")
    await page.wait_for_function(PLAYING % 0.5)
    await page.screenshot(path=PICTURES / "embed.png")
    assert watched.failures == []
    assert watched.complaints == []


async def test_says_in_words_what_went_wrong(
    served: str, watched: Watched, database: Database, project_id: str, asset_id: str
) -> None:
    playback_id = await share(database, project_id, asset_id, PlaybackPolicy.PUBLIC)
    page = watched.page
    await page.goto(f"{served}/watch/{playback_id}")
    await expect(page.get_by_role("status")).to_contain_text("being processed")
    async with database.project(project_id) as tx:
        await revoke_playback_id(tx, playback_id)
    await expect(page.get_by_role("status")).to_contain_text("no longer shared")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


async def test_fits_a_phone(served: str, watched: Watched, public_id: str) -> None:
    page = watched.page
    await page.set_viewport_size({"width": 390, "height": 780})
    await page.goto(f"{served}/watch/{public_id}")
    await page.get_by_role("button", name="Play").first.wait_for()
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    for name in ("Mute", "Full screen", "Quality", "Position"):
        box = await page.get_by_label(name, exact=True).first.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    await page.screenshot(path=PICTURES / "phone.png")
