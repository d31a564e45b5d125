"""Bodies are read strictly and once: straight into the handler's type.

Litestar reads JSON into plain values and converts those leniently (`"12"` passes for 12). Here the
bytes go into the type in one step, nothing is guessed, and an error names its place as a JSON
pointer (RFC 6901).
"""

import re
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from app.foundation.auth import Principal
from app.foundation.errors import Invalid, SpoolError

# msgspec ends its messages with the place: "Expected `int`, got `str` - at `$.parts[0].number`".
_PLACE = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


class BadBody(SpoolError):
    status = 400


class JsonRequest(Request[Principal | None, None, State]):
    """The request class of the API."""

    async def json(self) -> Any:
        """The body as the type of the handler's `data`.

        Raises:
            BadBody: 400, not JSON.
            Invalid: 422 `validation_failed` with a pointer.
            HTTPException: 415, announced as something else than JSON.
        """
        kind, _ = self.content_type
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise HTTPException(status_code=415)
        data = self.route_handler.parsed_data_field
        return read_json(await self.body(), data.annotation if data is not None else Any)


def read_json(body: bytes, kind: Any) -> Any:
    """Decodes a JSON text into a type.

    Raises:
        BadBody: `bad_request`, not JSON.
        Invalid: `validation_failed`, JSON of another shape.
    """
    try:
        return _decoder(kind).decode(body or b"null")
    except msgspec.ValidationError as error:
        message, pointer = _explain(str(error))
        raise Invalid("validation_failed", message, pointer=pointer) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody("bad_request", f"The body is not JSON: {error}") from error


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _explain(message: str) -> tuple[str, str]:
    """A validation error of msgspec as a sentence and a JSON pointer."""
    place = _PLACE.search(message)
    if place is None:
        return message, ""
    steps = [step["name"] or step["index"] for step in _STEP.finditer(place["path"])]
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return message[: place.start()], pointer
