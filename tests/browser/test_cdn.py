"""The player page with its media on another host that wants signatures."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.foundation.db.database import Database
from app.playback.models import PlaybackPolicy
from app.playback.service import create_playback_id
from app.seams import make_store
from app.settings import Settings
from tests.browser.conftest import Watched
from tests.conftest import make_settings
from tests.published_media import MadeMedia, add_asset, publish
from tests.servers.cdn import Distribution, distributing, make_key

pytestmark = pytest.mark.browser
PLAYING = "() => { const v = document.querySelector('video'); return v.currentTime > %s; }"
# Browsers take every name below localhost for this machine, and as safe as TLS.
DOMAIN = "spool.localhost"
PRIVATE, PUBLIC = make_key()


@pytest.fixture(params=["query", "cookies"])
def carrier(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def cdn(database_url: str, tmp_path: Path) -> Iterator[Distribution]:
    store = make_store(make_settings(database_url, tmp_path))
    with distributing(store, {"K": PUBLIC}) as distribution:
        yield distribution


@pytest.fixture
def settings(
    carrier: str, database_url: str, tmp_path: Path, listener: socket.socket, cdn: Distribution
) -> Settings:
    page = f"http://watch.{DOMAIN}:{listener.getsockname()[1]}"
    cdn.url = f"http://media.{DOMAIN}:{urlsplit(cdn.url).port}"
    cdn.origins = (page,)
    return make_settings(
        database_url,
        tmp_path,
        public_url=page,
        delivery="cloudfront",
        cloudfront_url=cdn.url,
        cloudfront_private_keys={"K": PRIVATE},
        cloudfront_key_pair_id="K",
        cloudfront_cookie_domain=DOMAIN if carrier == "cookies" else None,
    )


async def test_plays_what_a_distribution_serves(
    carrier: str,
    served: str,
    watched: Watched,
    database: Database,
    settings: Settings,
    made: MadeMedia,
    project_id: str,
    cdn: Distribution,
) -> None:
    asset_id = await add_asset(database, project_id, title="Behind a distribution")
    await publish(database, make_store(settings), made, project_id, asset_id)
    async with database.project(project_id) as tx:
        row = await create_playback_id(
            tx, project_id=project_id, asset_id=asset_id, policy=PlaybackPolicy.PUBLIC
        )
    page = watched.page
    await page.goto(f"{served}/watch/{row.id}")
    await page.get_by_role("button", name="Play").first.click()
    await page.wait_for_function(PLAYING % 1)
    await page.get_by_label("Quality").select_option(label=f"{made.heights[-1]}p")
    await page.wait_for_function(
        f"() => document.querySelector('video').videoHeight === {made.heights[-1]}"
    )
    async with page.expect_response(lambda answer: "storyboard-" in answer.url) as sheet:
        await page.get_by_label("Position").hover()
    assert (await sheet.value).status == 200

    media = [url for url in watched.requests if urlsplit(url).netloc == urlsplit(cdn.url).netloc]
    assert any(".m4s" in url for url in media)
    assert all(("Signature=" in url) == (carrier == "query") for url in media)
    assert {by for _, by in cdn.opened} == {carrier}
    assert cdn.refused == []
    assert watched.failures == []
    assert watched.complaints == []
