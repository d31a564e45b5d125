"""multipart/form-data as it arrives (RFC 7578): fields in memory, the file as a stream."""

from collections.abc import AsyncIterator
from typing import Self

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from app.foundation.errors import BadRequest, Invalid

_MAX_FIELD_BYTES = 16 * 1024
_MAX_SEGMENTS = 32
_Events = AsyncIterator[MultipartSegment | bytes | bytearray | None]


class FileForm:
    """A form with one file.

    `open` reads up to the file; `chunks` gives the file's bytes and reads on to the form's end,
    after which `fields` has those behind the file too.
    """

    def __init__(self, events: _Events) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self.content_type = ""
        self._events = events

    @classmethod
    async def open(cls, body: AsyncIterator[bytes], content_type: str) -> Self:
        """The form that begins in `body`.

        Raises:
            BadRequest: bad_request; the form cannot be read.
            Invalid: validation_failed; no file is in it.
        """
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise _unreadable("its Content-Type names no boundary")
        form = cls(_events(body, options["boundary"]))
        if not await form._skip_to_file():
            raise Invalid("validation_failed", "The form has no file.", pointer="/file")
        return form

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes.

        Raises:
            BadRequest: bad_request; the form cannot be read, or ends too early.
            Invalid: validation_failed; there is a second file.
        """
        async for event in self._events:
            if event is None:
                break
            if isinstance(event, bytes | bytearray):
                yield bytes(event)
        if await self._skip_to_file():
            raise Invalid("validation_failed", "One form takes one file.", pointer="/file")

    async def _skip_to_file(self) -> bool:
        """Reads fields up to the next file; says whether there is one."""
        async for event in self._events:
            if isinstance(event, MultipartSegment):
                if event.filename is not None:
                    self.filename = event.filename
                    self.content_type = event.content_type or ""
                    return True
                self.fields[event.name or ""] = await self._field()
        return False

    async def _field(self) -> str:
        value = b""
        async for event in self._events:
            if event is None:
                break
            if isinstance(event, bytes | bytearray):
                value += event
            if len(value) > _MAX_FIELD_BYTES:
                raise _unreadable(f"a field has more than {_MAX_FIELD_BYTES} bytes")
        return value.decode(errors="replace")


async def _events(body: AsyncIterator[bytes], boundary: str) -> _Events:
    try:
        # Not strict: that refuses a form whose last line end comes in a chunk of its own.
        with PushMultipartParser(boundary, max_segment_count=_MAX_SEGMENTS) as parser:
            async for chunk in body:
                if chunk:
                    for event in parser.parse(chunk):
                        yield event
    except MultipartError as error:
        raise _unreadable(str(error)) from error


def _unreadable(why: str) -> BadRequest:
    return BadRequest("bad_request", f"The form cannot be read: {why}.")
