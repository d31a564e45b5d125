"""Pages for people, and oEmbed."""

import re
from pathlib import Path

import httpx
import pytest

from app.foundation.db.database import Database
from app.settings import Settings
from tests.integration.api.playback.asking import NewId, code, mint
from tests.published_media import add_asset

EVIL = "\"><script>alert(1)</script>' onload=x ${title} $title &amp; </title>"


@pytest.mark.parametrize("page", ["watch", "embed"])
async def test_a_title_is_text_on_every_page(
    client: httpx.AsyncClient,
    database: Database,
    project_id: str,
    new_playback_id: NewId,
    page: str,
) -> None:
    playback_id = await new_playback_id(await add_asset(database, project_id, title=EVIL))
    answer = await client.get(f"/{page}/{playback_id}")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text
    assert "' onload" not in answer.text
    assert answer.text.count("<script ") == 2
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors " + {"watch": "'none'", "embed": "*"}[page] in policy
    scripts = await client.get(f"/oembed?url=http://127.0.0.1:8000/{page}/{playback_id}")
    assert "<script>" not in scripts.json()["html"]


async def test_a_page_that_does_not_open_says_why_in_words(
    client: httpx.AsyncClient, signed_id: str
) -> None:
    for path, status, words in (
        (f"/watch/{signed_id}", 401, "opens with a token"),
        (f"/watch/{signed_id}?token=x", 403, "does not open this video"),
        ("/embed/0000", 404, "no longer shared"),
    ):
        answer = await client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert words in answer.text
        assert answer.headers["x-correlation-id"] in answer.text


async def test_oembed_makes_an_iframe_that_fits(
    client: httpx.AsyncClient, settings: Settings, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    page = f"{settings.public_url}/watch/{signed_id}"
    described = await client.get(
        "/oembed", params={"url": f"{page}?token={token}", "maxwidth": 320, "maxheight": 1000}
    )
    body = described.json()
    assert (body["type"], body["version"]) == ("video", "1.0")
    assert (body["width"], body["height"]) == (320, 180)
    assert f"/embed/{signed_id}?token={token}" in body["html"]
    assert code(await client.get("/oembed", params={"url": page}))[0] == 401
    elsewhere = page.replace("127.0.0.1", "elsewhere.example")
    assert code(await client.get("/oembed", params={"url": elsewhere}))[0] == 404
    xml = await client.get("/oembed", params={"url": page, "format": "xml"})
    assert code(xml) == (501, "not_acceptable")


async def test_pages_load_nothing_that_is_not_ours(
    client: httpx.AsyncClient, public_id: str
) -> None:
    page = (await client.get(f"/watch/{public_id}")).text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "http://127.0.0.1:8000/oembed")), address
    for path in ("player/player.js", "player/player.css", "favicon.svg"):
        assert (await client.get(f"/static/{path}")).status_code == 200
    assert Path(__file__).name not in (await client.get("/static/../asgi.py")).text
