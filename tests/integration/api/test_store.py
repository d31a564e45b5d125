"""The folder store behind signed links."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from app.foundation.clock import utc_now
from app.foundation.storage.folder import FolderStore
from app.seams import make_signer
from tests.integration.api.live import PART, Live

HOUR = timedelta(hours=1)
DATA = bytes(range(256)) * 40


@pytest.fixture
async def nobody() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
async def link(live: Live) -> str:
    await live.store.put("videos/a.mp4", DATA, content_type="video/mp4")
    return live.store.sign_get("videos/a.mp4", expires=HOUR)


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        (None, 200, 0, len(DATA)),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        (f"bytes={len(DATA) - 5}-", 206, len(DATA) - 5, len(DATA)),
        ("bytes=-7", 206, len(DATA) - 7, len(DATA)),
        ("bytes=5-999999999", 206, 5, len(DATA)),
    ],
)
async def test_objects_and_ranges_of_them(
    nobody: httpx.AsyncClient, link: str, asked: str | None, status: int, start: int, end: int
) -> None:
    answer = await nobody.get(link, headers={"Range": asked} if asked else {})
    assert answer.status_code == status
    assert answer.content == DATA[start:end]
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"


async def test_head_conditions_and_what_lies_outside(nobody: httpx.AsyncClient, link: str) -> None:
    head = await nobody.head(link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(DATA))
    known = await nobody.get(link, headers={"If-None-Match": head.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    outside = await nobody.get(link, headers={"Range": f"bytes={len(DATA)}-"})
    assert outside.status_code == 416
    assert outside.headers["content-range"] == f"bytes */{len(DATA)}"
    assert outside.json()["code"] == "range_not_satisfiable"


async def test_links_open_one_thing_one_way_for_a_while(
    live: Live, nobody: httpx.AsyncClient, link: str
) -> None:
    await live.store.put("videos/b.mp4", b"secret")
    signer = make_signer(live.settings)
    assert live.settings.store_root
    old = FolderStore(
        live.settings.store_root,
        signer,
        f"{live.settings.public_url}/_store",
        clock=lambda: utc_now() - 2 * HOUR,
    ).sign_get("videos/a.mp4", expires=HOUR)
    for method, url, code in [
        ("GET", link.replace("a.mp4", "b.mp4"), "signature_invalid"),
        ("GET", link.replace("videos/a.mp4", "videos/../videos/b.mp4"), "signature_invalid"),
        ("GET", link.replace("videos/a", "%2e%2e/videos/a"), "signature_invalid"),
        ("PUT", link, "signature_invalid"),
        ("GET", link[:-1] + ("A" if link[-1] != "A" else "B"), "signature_invalid"),
        ("GET", old, "signature_expired"),
    ]:
        answer = await nobody.request(method, url, content=b"x" if method == "PUT" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, code), url
    gone = await nobody.get(live.store.sign_get("videos/none.mp4", expires=HOUR))
    assert (gone.status_code, gone.json()["code"]) == (404, "object_not_found")
    without = await nobody.get(link.partition("?")[0])
    assert without.status_code == 400


async def test_a_part_sent_again_replaces_the_first(live: Live) -> None:
    created = await live.begin(PART + 3)
    second = created["parts"][1]
    first_try = await live.send(second, b"abc")
    again = await live.send(second, b"xyz")
    assert first_try.headers["etag"] != again.headers["etag"]
    listed = (await live.client.get(f"/v1/uploads/{created['id']}/parts")).json()
    assert [f'"{part["etag"]}"' for part in listed["items"]] == [again.headers["etag"]]


async def test_a_signed_put_stores_an_object_of_its_size(
    live: Live, nobody: httpx.AsyncClient
) -> None:
    request = live.store.sign_put("images/x.jpg", expires=HOUR, size=5)
    refused = await nobody.put(request.url, content=b"1234", headers=request.headers)
    assert refused.status_code == 422
    stored = await nobody.put(request.url, content=b"12345", headers=request.headers)
    assert stored.status_code == 200, stored.text
    assert (await live.store.head("images/x.jpg")).size == 5


async def test_pages_of_other_sites_may_send_parts(live: Live, nobody: httpx.AsyncClient) -> None:
    created = await live.begin(3)
    asked = await nobody.options(
        created["parts"][0]["url"],
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"},
    )
    assert asked.status_code == 204
    assert "PUT" in asked.headers["access-control-allow-methods"]
    sent = await live.send(created["parts"][0], b"abc")
    assert sent.headers["access-control-allow-origin"] == "*"
    assert "etag" in sent.headers["access-control-expose-headers"]
