"""Byte ranges, RFC 9110 section 14."""

import re
from dataclasses import dataclass

# More digits than any size has: int() of a very long string of them is slow.
_RANGE = re.compile(r"\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*")


class RangeNotSatisfiable(Exception):
    """No byte of the range is in the object: 416, with `Content-Range: bytes */<size>`."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the range lies outside the object's {size} bytes")
        self.size = size


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to but without `end`; never empty."""

    start: int
    end: int


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range that a Range header asks for of an object of `size` bytes.

    None, for the whole object with status 200, when there is no header, and for what a server may
    ignore: other units, malformed ranges, several ranges at once.

    Raises:
        RangeNotSatisfiable: no byte of it is in the object.
    """
    unit, _, ranges = (header or "").partition("=")
    match = _RANGE.fullmatch(ranges)
    if unit.strip().lower() != "bytes" or match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, last = int(match[1]), int(match[2] or size)
        if match[2] and last < start:
            return None
        end = min(last + 1, size)
    if start >= end:
        raise RangeNotSatisfiable(size)
    return ByteRange(start, end)
