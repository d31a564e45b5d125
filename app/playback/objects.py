"""Published objects over HTTP: conditions (RFC 9110, section 13), ranges (14), media types."""

from collections.abc import Mapping
from dataclasses import dataclass

from litestar import Response
from litestar.response import Stream

from app.foundation.errors import NotFound, RangeNotSatisfiable
from app.foundation.storage import errors as storage
from app.foundation.storage import ranges
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


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this already (RFC 9110, 13.1.2); tags are compared weakly."""
    if not if_none_match:
        return False
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag in given


async def read_text(store: ObjectStore, key: str) -> str:
    """A published text, whole: playlists and indexes, which are small.

    Raises:
        NotFound: object_not_found.
    """
    return (await read_bytes(store, key)).decode()


async def read_bytes(store: ObjectStore, key: str) -> bytes:
    """A published object, whole.

    Raises:
        NotFound: object_not_found.
    """
    try:
        return b"".join([block async for block in store.read(key)])
    except storage.NotFound as error:
        raise _not_found() from error


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    start: int
    end: int


async def serve_object(
    store: ObjectStore, key: str, headers: Mapping[str, str], *, cache_control: str
) -> Response[bytes] | Stream:
    """The answer to a GET for an object.

    Args:
        headers: The request's.

    Raises:
        NotFound: object_not_found.
        RangeNotSatisfiable: range_not_satisfiable.
    """
    answer = await _answer(store, key, headers, cache_control)
    if answer.status == 304:
        return Response(b"", status_code=304, headers=answer.headers)
    blocks = store.read(key, start=answer.start, end=answer.end)
    return Stream(blocks, status_code=answer.status, headers=answer.headers)


async def describe_object(
    store: ObjectStore, key: str, headers: Mapping[str, str], *, cache_control: str
) -> Response[None]:
    """The answer to HEAD: that to GET without the body. Raises as `serve_object` does."""
    answer = await _answer(store, key, headers, cache_control)
    return Response(None, status_code=answer.status, headers=answer.headers)


async def _answer(
    store: ObjectStore, key: str, headers: Mapping[str, str], cache_control: str
) -> _Answer:
    try:
        info = await store.head(key)
    except (storage.NotFound, storage.InvalidKey) as error:
        raise _not_found() from error
    etag = f'"{info.etag}"'
    answer = {"ETag": etag, "Cache-Control": cache_control, "Accept-Ranges": "bytes"}
    if matches(headers.get("if-none-match"), etag):
        return _Answer(304, answer, 0, 0)
    part = _part(headers, etag, info.size)
    start, end = (part.start, part.end) if part else (0, info.size)
    if part:
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    # As a header: Litestar's streams prefer the handler's media type to the response's own.
    answer["Content-Type"] = content_type_of(key)
    answer["Content-Length"] = str(end - start)
    return _Answer(206 if part else 200, answer, start, end)


def _part(headers: Mapping[str, str], etag: str, size: int) -> ranges.ByteRange | None:
    condition = headers.get("if-range")
    if condition is not None and condition != etag:
        return None
    try:
        return ranges.parse_range(headers.get("range"), size)
    except ranges.RangeNotSatisfiable as error:
        raise RangeNotSatisfiable(
            "range_not_satisfiable",
            f"The object has {size} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        ) from error


def _not_found() -> NotFound:
    return NotFound("object_not_found", "There is no such file.")
