"""Published objects over HTTP: conditions (RFC 9110, section 13), ranges (14), media types."""

from collections.abc import Mapping

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
    """
    Raises:
        NotFound: object_not_found.
    """  # noqa: D205, D212  # nothing more to say than this
    try:
        return b"".join([block async for block in store.read(key)])
    except storage.NotFound as error:
        raise _not_found() from error


async def serve_object(
    store: ObjectStore, key: str, headers: Mapping[str, str], *, cache_control: str, body: bool
) -> Response[bytes | None] | Stream:
    """Answers GET and HEAD for an object.

    Args:
        headers: The request's.
        body: False for HEAD.

    Raises:
        NotFound: object_not_found.
        RangeNotSatisfiable: range_not_satisfiable.
    """
    try:
        info = await store.head(key)
    except (storage.NotFound, storage.InvalidKey) as error:
        raise _not_found() from error
    etag = f'"{info.etag}"'
    answer = {"ETag": etag, "Cache-Control": cache_control, "Accept-Ranges": "bytes"}
    if matches(headers.get("if-none-match"), etag):
        return Response(None, status_code=304, headers=answer)
    part = _part(headers, etag, info.size)
    start, end = (part.start, part.end) if part else (0, info.size)
    if part:
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    answer["Content-Length"] = str(end - start)
    media_type, status = content_type_of(key), 206 if part else 200
    if not body:
        return Response(b"", status_code=status, headers=answer, media_type=media_type)
    blocks = store.read(key, start=start, end=end)
    return Stream(blocks, status_code=status, headers=answer, media_type=media_type)


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
