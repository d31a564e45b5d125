"""How long a file says it is, in its first bytes: a shorter one was cut off."""

from collections.abc import Callable

_SEGMENT = b"\x18\x53\x80\x67"  # Matroska (RFC 9559, 5.1)
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # ASF, 3.2


def missing_share(head: bytes, demuxer: str, size: int) -> float:
    """The share of a file's declared size that is missing; 0 when it declares none.

    Args:
        head: Its first bytes, a few thousand.
        demuxer: What kind of file it is.
        size: How long it is.
    """
    read = _READERS.get(demuxer)
    declared = read(head) if read else None
    return max(0.0, 1 - size / declared) if declared else 0.0


def _riff(head: bytes) -> int | None:
    declared = int.from_bytes(head[4:8], "little")
    # Recorders that were not stopped properly, and streams, leave 0 or 2^32 - 1.
    return declared + 8 if 0 < declared < 0xFFFFFFF0 else None


def _matroska(head: bytes) -> int | None:
    at = head.find(_SEGMENT)
    if at < 0 or at + 5 > len(head):
        return None
    first = head[at + 4]
    if first == 0:
        return None
    # A variable-size integer (RFC 8794, 4): the leading zeros tell its length in bytes.
    length = 9 - first.bit_length()
    body = at + 4 + length
    value = int.from_bytes(head[at + 4 : body], "big") & ((1 << 7 * length) - 1)
    unknown = (1 << 7 * length) - 1  # written by those who stream
    return None if value in {0, unknown} or body > len(head) else body + value


def _asf(head: bytes) -> int | None:
    at = head.find(_FILE_PROPERTIES)
    if at < 0 or at + 48 > len(head):
        return None
    return int.from_bytes(head[at + 40 : at + 48], "little") or None


_READERS: dict[str, Callable[[bytes], int | None]] = {
    "avi": _riff,
    "wav": _riff,
    "matroska": _matroska,
    "asf": _asf,
}
