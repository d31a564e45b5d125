"""What an answer has of an object: conditions and ranges (RFC 9110, sections 13 and 14)."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.foundation.storage.protocols import ObjectInfo
from app.foundation.storage.ranges import parse_range


@dataclass(frozen=True, slots=True)
class Selection:
    """The bytes from `start` up to but without `end`.

    Args:
        status: 200, 206, or 304 without bytes.
        headers: Lower-case names; nothing about type and caching.
    """

    status: int
    headers: Mapping[str, str]
    start: int = 0
    end: int = 0


def select(info: ObjectInfo, request_headers: Mapping[str, str]) -> Selection:
    """What GET or HEAD asks for by Range, If-Range and If-None-Match.

    Args:
        request_headers: By lower-case name, or in any case if the mapping does not mind.

    Raises:
        RangeNotSatisfiable: 416.
    """
    etag = f'"{info.etag}"'
    headers = {"accept-ranges": "bytes", "etag": etag}
    if matches(request_headers.get("if-none-match"), etag):
        return Selection(304, headers)
    condition = request_headers.get("if-range")
    asked = request_headers.get("range") if condition in (None, etag) else None
    part = parse_range(asked, info.size)
    if part is None:
        return Selection(200, headers | {"content-length": str(info.size)}, 0, info.size)
    headers["content-length"] = str(part.end - part.start)
    headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{info.size}"
    return Selection(206, headers, part.start, part.end)


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this already (RFC 9110, 13.1.2); tags are compared weakly."""
    given = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in given or etag in given
