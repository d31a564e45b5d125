"""Published objects over HTTP, by the names that media has."""

from collections.abc import Mapping
from dataclasses import replace

from litestar import Response
from litestar.response import Stream

from app.foundation.storage.conditions import Selection, select
from app.foundation.storage.protocols import ObjectStore
from app.playback.manifests import DASH, HLS
from app.playback.storyboard import VTT

# By name, not by what the store remembers: what a browser is told must not depend on an upload.
_TYPES: Mapping[str, str] = {
    "m3u8": HLS,
    "mpd": DASH,
    "mp4": "video/mp4",
    "m4s": "video/iso.segment",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "vtt": VTT,
}


def content_type_of(key: str) -> str:
    return _TYPES.get(key.rpartition(".")[2], "application/octet-stream")


async def read_text(store: ObjectStore, key: str) -> str:
    """A published text, whole: playlists and indexes, which are small. Raises as `store.read`."""
    return (await read_bytes(store, key)).decode()


async def read_bytes(store: ObjectStore, key: str) -> bytes:
    return b"".join([block async for block in store.read(key)])


async def serve_object(
    store: ObjectStore, key: str, headers: Mapping[str, str], *, cache_control: str
) -> Response[bytes] | Stream:
    """The answer to a GET for an object.

    Args:
        headers: The request's.

    Raises:
        StoreError: NotFound, or the store is away.
        RangeNotSatisfiable: as `select`.
    """
    chosen = await _choose(store, key, headers, cache_control)
    if chosen.status == 304:
        return Response(b"", status_code=304, headers=chosen.headers)
    blocks = store.read(key, start=chosen.start, end=chosen.end)
    return Stream(blocks, status_code=chosen.status, headers=chosen.headers)


async def describe_object(
    store: ObjectStore, key: str, headers: Mapping[str, str], *, cache_control: str
) -> Response[None]:
    """The answer to HEAD: that to GET without the body. Raises as `serve_object` does."""
    chosen = await _choose(store, key, headers, cache_control)
    return Response(None, status_code=chosen.status, headers=chosen.headers)


async def _choose(
    store: ObjectStore, key: str, headers: Mapping[str, str], cache_control: str
) -> Selection:
    chosen = select(await store.head(key), headers)
    # The type as a header: Litestar's streams prefer the handler's media type to the response's.
    about = {"cache-control": cache_control, "content-type": content_type_of(key)}
    return replace(chosen, headers={**chosen.headers, **about})
