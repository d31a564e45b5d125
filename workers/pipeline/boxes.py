"""The boxes of ISO base media files (ISO/IEC 14496-12, 4.2).

No size found in a file is trusted: boxes that are read into memory are bounded, children must
lie within their parent.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

_MAX_BOX_IN_MEMORY = 64 * 1024**2
_MAX_TOP_LEVEL_BOXES = 2_000_000


class Mp4Error(ValueError):
    """The bytes are not what ISO/IEC 14496-12 says."""


class Box(msgspec.Struct, frozen=True):
    """A box in a file: offsets in bytes from the file's start. `end` may lie beyond its end."""

    kind: str
    start: int
    body: int
    end: int


def top_level(file: BinaryIO, size: int) -> Iterator[Box]:
    """The boxes of a file in order. Stops at the end, or at the first that is no box."""
    at = 0
    for _ in range(_MAX_TOP_LEVEL_BOXES):
        if at + 8 > size:
            return
        file.seek(at)
        box = _box_header(file.read(16), at, size)
        if box is None:
            return
        yield box
        at = box.end


def _box_header(head: bytes, at: int, limit: int) -> Box | None:
    if len(head) < 8:
        return None
    length, kind = struct.unpack_from(">I4s", head)
    body = at + 8
    if length == 1:
        if len(head) < 16:
            return None
        (length,) = struct.unpack_from(">Q", head, 8)
        body = at + 16
    elif length == 0:
        length = limit - at
    if length < body - at or not all(0x20 <= c < 0x7F or c == 0xA9 for c in kind):
        return None
    return Box(kind.decode("latin-1"), at, body, at + length)


def children(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes within `data[start:end]`.

    Raises:
        Mp4Error: A child reaches beyond its parent.
    """
    at = start
    while at + 8 <= end:
        box = _box_header(data[at : min(at + 16, end)], at, end)
        if box is None or box.end > end:
            raise Mp4Error(f"a box at {at} reaches beyond its parent")
        yield box
        at = box.end


def find(data: bytes, path: str, start: int = 0, end: int | None = None) -> Box | None:
    """The first box at a path such as `trak/mdia/mdhd`, if any."""
    scope = Box("", start, start, len(data) if end is None else end)
    for kind in path.split("/"):
        found = next((b for b in children(data, scope.body, scope.end) if b.kind == kind), None)
        if found is None:
            return None
        scope = found
    return scope


def read_body(file: BinaryIO, box: Box) -> bytes:
    """The content of a box.

    Raises:
        Mp4Error: It is absurdly large or the file ends within it.
    """
    length = box.end - box.body
    if length > _MAX_BOX_IN_MEMORY:
        raise Mp4Error(f"a {box.kind} box of {length} bytes")
    file.seek(box.body)
    data = file.read(length)
    if len(data) != length:
        raise Mp4Error(f"the file ends within its {box.kind} box")
    return data


def need(data: bytes, path: str, within: Box | None = None) -> Box:
    """The first box at a path, within another if given.

    Raises:
        Mp4Error: There is none.
    """
    found = find(data, path, within.body, within.end) if within else find(data, path)
    if found is None:
        raise Mp4Error(f"no {path} box")
    return found
