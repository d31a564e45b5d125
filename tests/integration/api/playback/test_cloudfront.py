"""A published asset played through a distribution that lets nobody in without a signature."""

import re
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import httpx
import m3u8
import pytest
from litestar import Litestar

from app.asgi import create_app
from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.foundation.storage.folder import FolderStore
from app.settings import Settings
from tests.conftest import make_settings
from tests.integration.api.conftest import client_of
from tests.integration.api.playback.asking import code, mint
from tests.published_media import MadeMedia
from tests.servers.cdn import Distribution, distributing, make_key

MPD = {"mpd": "urn:mpeg:dash:schema:mpd:2011"}
HOST = "http://spool.test"
OLD, OLD_PUBLIC = make_key()
NEW, NEW_PUBLIC = make_key()
EC, EC_PUBLIC = make_key("ecdsa")
KEYS = {"K_OLD": OLD, "K_NEW": NEW, "K_EC": EC}
PUBLIC = {"K_OLD": OLD_PUBLIC, "K_NEW": NEW_PUBLIC, "K_EC": EC_PUBLIC}


@pytest.fixture
def cdn(store: FolderStore) -> Iterator[Distribution]:
    with distributing(store, dict(PUBLIC)) as distribution:
        yield distribution


@pytest.fixture
def api(settings: Settings, database: Database, cdn: Distribution) -> Litestar:
    return create_app(behind(settings, cdn), database=database)


def behind(settings: Settings, cdn: Distribution, **changes: object) -> Settings:
    assert settings.store_root
    values: dict[str, object] = {
        "delivery": "cloudfront",
        "cloudfront_url": cdn.url,
        "cloudfront_private_keys": KEYS,
        "cloudfront_key_pair_id": "K_OLD",
    }
    url = settings.database_url.get_secret_value()
    return make_settings(url, settings.store_root.parent, **values | changes)


async def hls(client: httpx.AsyncClient, manifest: str) -> list[str]:
    """Every file of a stream that is not a manifest, as addresses; playlists are fetched."""
    answer = await client.get(manifest)
    assert answer.status_code == 200, answer.text
    master = m3u8.loads(answer.text)
    uris: list[str] = []
    for playlist in [p.uri for p in master.playlists] + [m.uri for m in master.media]:
        address = urljoin(f"{HOST}/", playlist)
        inner = await client.get(address)
        assert inner.status_code == 200, inner.text
        parsed = m3u8.loads(inner.text)
        found = [s.uri for s in [*parsed.segments, *parsed.segment_map]]
        uris += [urljoin(address, uri) for uri in found]
    return uris


async def dash(client: httpx.AsyncClient, manifest: str) -> list[str]:
    """As `hls`, by the templates and time lines of an MPD."""
    answer = await client.get(manifest)
    assert answer.status_code == 200, answer.text
    mpd = ElementTree.fromstring(answer.text)  # noqa: S314  # our own answer
    base = mpd.findtext("mpd:BaseURL", namespaces=MPD)
    assert base is not None
    uris = []
    for representation in mpd.findall(".//mpd:Representation", MPD):
        [template] = representation.findall("mpd:SegmentTemplate", MPD)
        lines = template.findall("mpd:SegmentTimeline/mpd:S", MPD)
        count = sum(1 + int(line.get("r", "0")) for line in lines)
        names = [
            template.attrib["initialization"],
            *(numbered(template.attrib["media"], number) for number in range(1, count + 1)),
        ]
        named = [name.replace("$RepresentationID$", representation.attrib["id"]) for name in names]
        uris += [urljoin(urljoin(HOST, base), name.replace("$$", "$")) for name in named]
    return uris


def numbered(template: str, number: int) -> str:
    return re.sub(r"\$Number%0(\d)d\$", lambda width: str(number).zfill(int(width[1])), template)


def files(made: MadeMedia) -> set[str]:
    """What was packaged, beside manifests."""
    return {name for name in made.package.files if not name.endswith((".m3u8", ".mpd"))}


async def fetch_all(
    uris: list[str], made: MadeMedia, cookies: dict[str, str] | None = None
) -> None:
    """From the distribution, and as they were made."""
    header = {"Cookie": "; ".join(f"{n}={v}" for n, v in (cookies or {}).items())}
    got = set()
    async with httpx.AsyncClient(headers=header if cookies else {}) as player:
        for uri in uris:
            answer = await player.get(uri)
            assert answer.status_code == 200, f"{uri}: {answer.text}"
            name = urlsplit(uri).path.split(".1/", 1)[1]
            assert answer.content == (made.folder / "package" / name).read_bytes()
            got.add(name)
    assert got == files(made)


@pytest.mark.parametrize("key", list(KEYS))
@pytest.mark.parametrize("kind", ["m3u8", "mpd"])
async def test_a_player_without_cookies_plays_all_of_it(
    settings: Settings,
    database: Database,
    cdn: Distribution,
    public_id: str,
    made: MadeMedia,
    kind: str,
    key: str,
) -> None:
    app = create_app(behind(settings, cdn, cloudfront_key_pair_id=key), database=database)
    async with client_of(app) as client:
        uris = await (hls if kind == "m3u8" else dash)(client, f"/{public_id}.{kind}")
        assert all(uri.startswith(f"{cdn.url}/renditions/") for uri in uris)
        # One signature for all of them, and the same for everybody: caches can hold the answer.
        assert len({urlsplit(uri).query for uri in uris}) == 1
        again = await (hls if kind == "m3u8" else dash)(client, f"/{public_id}.{kind}")
        assert again == uris
    await fetch_all(uris, made)
    assert cdn.refused == []
    assert {by for _, by in cdn.opened} == {"query"}


@pytest.mark.parametrize("kind", ["m3u8", "mpd"])
async def test_a_page_on_the_same_domain_plays_by_cookies(
    settings: Settings,
    database: Database,
    cdn: Distribution,
    public_id: str,
    made: MadeMedia,
    kind: str,
) -> None:
    shared = behind(settings, cdn, cloudfront_cookie_domain="spool.test")
    async with client_of(create_app(shared, database=database)) as client:
        answer = await client.get(f"/{public_id}.{kind}?cookies=true")
        assert answer.headers["cache-control"] == "private, no-cache"
        jar = SimpleCookie()
        for line in answer.headers.get_list("set-cookie"):
            jar.load(line)
        names = {"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}
        assert set(jar) == names
        prefix = re.search(rf"{re.escape(cdn.url)}(/renditions/[^/]+/[^/]+)/", answer.text)
        assert prefix is not None
        for cookie in jar.values():
            # For this video alone: another one's cookies of the same names stay beside them.
            assert cookie["path"] == prefix[1]
            assert cookie["domain"] == "spool.test"
            assert (cookie["secure"], cookie["httponly"]) == (True, True)
            assert cookie["samesite"] == "lax"
            lasts = int(cookie["max-age"])
            token_seconds = settings.playback_token_seconds
            assert token_seconds - 60 < lasts <= token_seconds + 3600
        cookies = {name: cookie.value for name, cookie in jar.items()}
        # As a browser would, with cookies for the distribution; the API's routes need none.
        client.headers["Cookie"] = "; ".join(f"{n}={v}" for n, v in cookies.items())
        mounted = httpx.AsyncClient(headers=client.headers, mounts={HOST: client._transport})
        async with mounted as browser:
            reading = hls if kind == "m3u8" else dash
            uris = await reading(browser, f"{HOST}/{public_id}.{kind}?cookies=true")
        kept = await client.get(
            f"/{public_id}.{kind}?cookies=true", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert kept.status_code == 304
        assert len(kept.headers.get_list("set-cookie")) == 3
        # Who does not ask for cookies gets a query here as well.
        plain = await client.get(f"/{public_id}.{kind}")
        assert "set-cookie" not in plain.headers
        assert plain.headers["cache-control"] == "public, no-cache"
    assert all(uri.startswith(f"{cdn.url}{prefix[1]}/") and "?" not in uri for uri in uris)
    await fetch_all(uris, made, cookies)
    assert cdn.refused == []
    assert {by for _, by in cdn.opened} == {"cookies"}


async def test_the_distribution_lets_nobody_else_in(
    client: httpx.AsyncClient, cdn: Distribution, store: FolderStore, public_id: str
) -> None:
    await store.put("videos/secret.mp4", b"secret")
    await store.put("renditions/ast_other/tsk.1/360p/seg_00001.m4s", b"secret")
    uri = (await hls(client, f"/{public_id}.m3u8"))[0]
    bare, _, query = uri.partition("?")
    prefix = "/".join(bare.split("/")[:-2])
    flipped = query.replace("Signature=", "Signature=AAAA")
    async with httpx.AsyncClient() as stranger:
        for url in (
            bare,
            f"{bare}?{flipped}",
            f"{cdn.url}/videos/secret.mp4?{query}",
            f"{cdn.url}/renditions/ast_other/tsk.1/360p/seg_00001.m4s?{query}",
            f"{prefix}x/360p/seg_00001.m4s?{query}",
            f"{cdn.url}/?{query}",
        ):
            assert (await stranger.get(url)).status_code == 403, url
        assert (await stranger.get(uri)).status_code == 200
        cdn.clock = lambda: utc_now() + timedelta(hours=24)
        assert (await stranger.get(uri)).status_code == 403
    assert cdn.refused[-1][1] == "Expired"
    assert all(by == "query" for _, by in cdn.opened)


async def test_a_rotated_key_signs_while_the_old_one_still_opens(
    settings: Settings,
    database: Database,
    client: httpx.AsyncClient,
    cdn: Distribution,
    public_id: str,
) -> None:
    before = (await hls(client, f"/{public_id}.m3u8"))[0]
    rotated = behind(settings, cdn, cloudfront_key_pair_id="K_NEW")
    async with client_of(create_app(rotated, database=database)) as renewed:
        after = (await hls(renewed, f"/{public_id}.m3u8"))[0]
    assert ("K_OLD" in before, "K_NEW" in after) == (True, True)
    async with httpx.AsyncClient() as player:
        assert (await player.get(before)).status_code == 200
        assert (await player.get(after)).status_code == 200
        del cdn.group["K_OLD"]
        assert (await player.get(before)).status_code == 403
        assert (await player.get(after)).status_code == 200


async def test_a_signed_id_opens_with_its_token_and_for_as_long(
    client: httpx.AsyncClient, owner: dict[str, str], cdn: Distribution, signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    answer = await client.get(f"/{signed_id}.m3u8", params={"token": token})
    playlist = m3u8.loads(answer.text).playlists[0].uri
    assert playlist.startswith(f"/{signed_id}/playlists/")
    assert code(await client.get(playlist.partition("?")[0])) == (401, "playback_token_missing")
    uris = await hls(client, f"/{signed_id}.m3u8?token={token}")
    assert not any(token in uri for uri in uris)
    async with httpx.AsyncClient() as player:
        assert (await player.get(uris[0])).status_code == 200
        cdn.clock = lambda: utc_now() + timedelta(seconds=590)
        assert (await player.get(uris[0])).status_code == 200
        cdn.clock = lambda: utc_now() + timedelta(seconds=601)
        assert (await player.get(uris[0])).status_code == 403


async def test_revoking_ends_the_playlists_too(
    client: httpx.AsyncClient, owner: dict[str, str], public_id: str
) -> None:
    answer = await client.get(f"/{public_id}.m3u8")
    playlist = m3u8.loads(answer.text).playlists[0].uri
    assert (await client.get(playlist)).status_code == 200
    await client.delete(f"/v1/playback-ids/{public_id}", headers=owner)
    assert code(await client.get(playlist)) == (404, "playback_id_not_found")


async def test_no_path_leads_out_of_the_playlists(
    client: httpx.AsyncClient, store: FolderStore, public_id: str
) -> None:
    await store.put("videos/secret.m3u8", b"#EXTM3U\nsecret")
    for way in ("../videos/secret.m3u8", "..%2f..%2fsecret.m3u8", "360p/seg_00001.m4s", "x/y.m3u8"):
        url = client.base_url.copy_with(raw_path=f"/{public_id}/playlists/{way}".encode())
        answer = await client.send(httpx.Request("GET", url))
        assert answer.status_code == 404, way


async def test_long_playlists_are_compressed_for_who_takes_it(
    client: httpx.AsyncClient, store: FolderStore, cdn: Distribution, public_id: str
) -> None:
    answer = await client.get(f"/{public_id}.m3u8")
    playlist = m3u8.loads(answer.text).playlists[0].uri
    segment = urlsplit((await hls(client, f"/{public_id}.m3u8"))[0]).path
    long = "#EXTM3U\n" + "".join(f"#EXTINF:4,\nseg_{n:05}.m4s\n" for n in range(1800))
    await store.put(f"{segment.rpartition('/')[0].strip('/')}/index.m3u8", long.encode())
    sizes, texts = {}, set()
    for accepted in ("gzip, br", "identity", "gzip;q=0"):
        async with client.stream("GET", playlist, headers={"Accept-Encoding": accepted}) as got:
            sizes[accepted] = len(b"".join([block async for block in got.aiter_raw()]))
            assert got.headers["vary"] == "Accept-Encoding"
        whole = await client.get(playlist, headers={"Accept-Encoding": accepted})
        texts.add(whole.text)
        headers = {"Accept-Encoding": accepted, "If-None-Match": whole.headers["etag"]}
        assert (await client.get(playlist, headers=headers)).status_code == 304
    assert len(texts) == 1
    assert sizes["identity"] == sizes["gzip;q=0"] > 1_000_000
    assert sizes["gzip, br"] < 30_000


async def test_sheets_of_the_storyboard_come_from_the_distribution(
    client: httpx.AsyncClient, cdn: Distribution, public_id: str
) -> None:
    index = (await client.get(f"/{public_id}/storyboard.vtt")).text
    sheets = re.findall(r"^(\S+)#xywh=\S+$", index, re.MULTILINE)
    async with httpx.AsyncClient() as player:
        answer = await player.get(sheets[0])
    assert sheets[0].startswith(f"{cdn.url}/images/")
    assert answer.content.startswith(b"\xff\xd8")


async def test_pages_may_load_from_the_distribution(
    settings: Settings, database: Database, cdn: Distribution, public_id: str
) -> None:
    for domain in (None, "spool.test"):
        shared = behind(settings, cdn, cloudfront_cookie_domain=domain)
        async with client_of(create_app(shared, database=database)) as client:
            watch = await client.get(f"/watch/{public_id}")
            embed = await client.get(f"/embed/{public_id}")
        for page in (watch, embed):
            assert f"connect-src 'self' {cdn.url};" in page.headers["content-security-policy"]
        assert ("cookies=true" in watch.text) == (domain is not None)
        assert ('data-credentials="include"' in watch.text) == (domain is not None)
        # In the frame of another site, browsers withhold cookies.
        assert "cookies=true" not in embed.text


def test_keys_that_cannot_sign_are_told_at_the_start(
    settings: Settings, database: Database, cdn: Distribution
) -> None:
    with pytest.raises(ValueError, match="K_MISSING"):
        create_app(behind(settings, cdn, cloudfront_key_pair_id="K_MISSING"), database=database)
    # Who does not sign needs no keys, and who does needs them.
    keyless = {"cloudfront_private_keys": None, "cloudfront_key_pair_id": None}
    create_app(behind(settings, cdn, role="uploader", **keyless), database=database)
    with pytest.raises(ValueError, match="needs SPOOL_CLOUDFRONT_KEY_PAIR_ID"):
        behind(settings, cdn, role="catalog", **keyless)
