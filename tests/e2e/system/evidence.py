"""What has to hold once all work is done, whatever died meanwhile."""

import re
from collections import Counter
from xml.etree import ElementTree

import httpx
import m3u8

from tests.e2e.system.client import Client, Json
from tests.e2e.system.stack import Stack, until

_STUCK = """
SELECT (SELECT count(*) FROM tasks WHERE state IN ('pending', 'ready', 'leased', 'retry_wait'))
     + (SELECT count(*) FROM uploads WHERE state = 'verifying')
     + (SELECT count(*) FROM assets WHERE state IN ('ingesting', 'processing', 'deleting'))
"""
_NAMES = re.compile(r"ast_[0-9a-z]+")
_MPD = "{urn:mpeg:dash:schema:mpd:2011}"


async def settled(stack: Stack, seconds: float = 40) -> None:
    """Waits until no row moves by itself any more: sweeps and exports are done too."""

    async def none_open() -> bool:
        return bool(await stack.value(_STUCK) == 0)

    try:
        await until(none_open, "nothing is left to do", seconds)
    except AssertionError as error:
        for row in await stack.rows(
            "SELECT kind, state, attempt, blockers, error_code, run_at, lease_until, now() "
            "FROM tasks WHERE state IN ('pending', 'ready', 'leased', 'retry_wait')"
        ):
            error.add_note(str(dict(row)))
        raise


async def assert_made_once(stack: Stack, asset: Json, like: Json) -> None:
    """One set of everything, in rows and objects, and equal to what an undisturbed run makes.

    Args:
        like: An asset of the same clip.
    """
    asset_id = asset["id"]
    assert asset["state"] == "ready"
    assert _shape(asset) == _shape(like)
    jobs = await stack.rows("SELECT kind, state FROM jobs WHERE asset_id = $1", asset_id)
    assert sorted(map(tuple, jobs)) == [("ingest", "succeeded"), ("process", "succeeded")]
    tasks = await stack.rows("SELECT kind, state FROM tasks WHERE asset_id = $1", asset_id)
    assert {state for _, state in tasks} == {"succeeded"}
    assert set(Counter(kind for kind, _ in tasks).values()) == {1}
    told = await stack.rows(
        "SELECT type, count(*) FROM events WHERE asset_id = $1 GROUP BY type", asset_id
    )
    assert {count for _, count in told} == {1}
    prefix = await stack.value("SELECT media_prefix FROM assets WHERE id = $1", asset_id)
    attempts = await attempts_of(stack, asset_id)
    assert attempts["renditions"] == {prefix}
    assert len(attempts["images"]) == 1
    keys = [found.key async for found in stack.store.list(prefix)]
    expected = sum(each["segment_count"] + 2 for each in asset["renditions"]) + 2
    assert len(keys) == expected, keys


async def assert_store_is_clean(stack: Stack) -> None:
    """No object without an asset, no multipart upload that a row knows, no scratch folder."""
    known = {row[0] for row in await stack.rows("SELECT id FROM assets WHERE state <> 'deleted'")}
    keys = [found.key async for found in stack.store.list("")]
    assert [key for key in keys if not any(name in known for name in _NAMES.findall(key))] == []
    # Who dies between making one and saying so leaves one that is swept a day later.
    orphans = [each async for each in stack.store.list_multiparts("")]
    ids = [each.upload_id for each in orphans]
    assert await stack.count("uploads WHERE store_upload_id = ANY($1)", ids) == 0
    for each in orphans:
        await stack.store.abort_multipart(each.key, each.upload_id)
    scratch = stack.folder / "scratch"
    assert [path for path in scratch.glob("worker-*/*") if path.name != "lock"] == []


async def assert_metrics_say_nothing_is_stuck(stack: Stack, worker: str) -> None:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{stack.status_urls[worker]}/metrics")).text
    stuck = [line for line in text.splitlines() if line.startswith("spool_stuck_rows{")]
    assert {line.rpartition(" ")[2] for line in stuck} == {"0.0"}, stuck
    assert len(stuck) == 3


async def attempts_of(stack: Stack, asset_id: str) -> dict[str, set[str]]:
    """Prefixes of the attempts that have objects, by kind of output."""
    return {
        root: {
            "/".join(found.key.split("/")[:3]) + "/"
            async for found in stack.store.list(f"{root}/{asset_id}/")
        }
        for root in ("renditions", "images")
    }


def _shape(asset: Json) -> object:
    renditions = asset["renditions"]
    return (
        sorted((r["name"], r["width"], r["height"], r["segment_count"]) for r in renditions),
        sorted((i["kind"], i["content_type"]) for i in asset["images"]),
        asset["duration_ms"],
    )


async def watch(client: Client, asset: Json, token: str | None = None) -> int:
    """Fetches all that HLS and DASH lead to; gives how many files that was."""
    playback_id = asset["playback_ids"][0]["id"]
    query = {"token": token} if token else {}
    async with httpx.AsyncClient(base_url=client.http.base_url, timeout=20) as player:
        hls = await _fetch(player, f"/{playback_id}.m3u8", query)
        media = await _hls_media(player, hls)
        dash = await _fetch(player, f"/{playback_id}.mpd", query)
        described = _dash_media(dash)
        assert described == {uri for uri in media if not uri.endswith(".m3u8")}
        for uri in sorted(media):
            assert await _fetch(player, uri)
    return len(media)


async def _fetch(player: httpx.AsyncClient, path: str, query: Json | None = None) -> bytes:
    answer = await player.get(path, params=query)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
    return answer.content


async def _hls_media(player: httpx.AsyncClient, manifest: bytes) -> set[str]:
    master = m3u8.loads(manifest.decode())
    playlists = {each.uri for each in master.playlists} | {m.uri for m in master.media if m.uri}
    found: set[str] = set()
    for uri in playlists:
        inner = m3u8.loads((await _fetch(player, uri)).decode(), uri=f"http://x{uri}")
        urls = [each.absolute_uri for each in (*inner.segments, *inner.segment_map)]
        assert inner.is_endlist
        found |= {url.removeprefix("http://x") for url in urls}
    return found | playlists


def _dash_media(manifest: bytes) -> set[str]:
    mpd = ElementTree.fromstring(manifest)  # noqa: S314  # our own manifest
    base = mpd.findtext(f"{_MPD}BaseURL", "")
    found: set[str] = set()
    for representation in mpd.iter(f"{_MPD}Representation"):
        [template] = representation.iter(f"{_MPD}SegmentTemplate")
        name = representation.attrib["id"]
        count = sum(1 + int(each.get("r", "0")) for each in template.iter(f"{_MPD}S"))
        initialization, media = (
            base + template.attrib[kind].replace("$RepresentationID$", name)
            for kind in ("initialization", "media")
        )
        numbers = range(1, count + 1)
        found |= {initialization, *(media.replace("$Number%05d$", f"{n:05}") for n in numbers)}
    return found
