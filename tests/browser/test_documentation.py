"""The API's page in Chromium, offline."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser


async def test_the_api_page_shows_every_part_and_asks_nobody_else(
    served: str, watched: Watched
) -> None:
    page = watched.page
    await page.goto(f"{served}/docs")
    await expect(page.get_by_role("heading", name="Spool").first).to_be_visible()
    await expect(page.get_by_text("Give an asset another playback id")).to_be_visible()
    await page.get_by_text("Give an asset another playback id").click()
    await expect(
        page.get_by_text("playback_id_not_found").or_(page.get_by_text("asset_not_found")).first
    ).to_be_visible()
    assert watched.elsewhere(served) == []
    assert watched.failures == []
    assert watched.complaints == []
