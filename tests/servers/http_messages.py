"""HTTP/1.1 messages passed on as they are: heads, and the bodies after them (RFC 9112)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the fields of a message; `raw` is what came, to be sent unchanged."""

    raw: bytes
    first_line: str
    fields: dict[str, str]

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Self | None:
        """The next head, or None where the other side has ended.

        Raises:
            asyncio.IncompleteReadError: it ended within the head.
        """
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        first_line, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        return cls(raw, first_line, fields)

    @property
    def method(self) -> str:
        return self.first_line.split(" ", 1)[0]

    @property
    def status(self) -> int:
        return int(self.first_line.split(" ")[1])

    @property
    def ends_connection(self) -> bool:
        return self.fields.get("connection", "").lower() == "close"

    def without(self, name: str) -> bytes:
        """The head without one of its fields."""
        lines = self.raw.decode("latin-1").split("\r\n")
        kept = [line for line in lines if not line.lower().startswith(f"{name}:")]
        return "\r\n".join(kept).encode("latin-1")

    def has_body(self, *, of_request: str | None = None) -> bool:
        """Whether bytes follow; of an answer, tell the method that it answers."""
        if of_request is None:
            return "transfer-encoding" in self.fields or self._length() > 0
        return of_request != "HEAD" and self.status not in (204, 304) and self._length() != 0

    def _length(self) -> int:
        return int(self.fields.get("content-length", "-1"))


async def body_of(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """The body after a head that has one, in blocks, framed as it was.

    Raises:
        asyncio.IncompleteReadError: it broke off.
    """
    if "chunked" in head.fields.get("transfer-encoding", "").lower():
        async for block in _chunks(reader):
            yield block
    elif "content-length" in head.fields:
        async for block in _exactly(reader, int(head.fields["content-length"])):
            yield block
    else:
        while block := await reader.read(_BLOCK):
            yield block


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        async for block in _exactly(reader, size + 2):
            yield block
    # Trailers, up to the empty line.
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        yield line
    yield b"\r\n"


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size > 0:
        block = await reader.read(min(size, _BLOCK))
        if not block:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(block)
        yield block
