"""The file in the body of a request: as it is, or within a form."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from app.foundation.errors import Invalid
from app.playback.models import PlaybackPolicy
from app.uploads.form import FileForm
from app.uploads.policy import UploadPolicy
from app.uploads.schemas import DEFAULT_MEDIA_TYPE, MediaType
from app.uploads.service import Announced
from app.uploads.simple import Interrupted, check_length

FORM = "multipart/form-data"
# A form's boundaries, headers and fields, beside its file.
_FORM_OVERHEAD = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is arriving.

    Args:
        fields: Of the form around it, if any; complete once all chunks were read.
    """

    file: Announced
    chunks: AsyncIterator[bytes]
    fields: dict[str, str]
    is_form: bool


async def open_body(
    request: Request[Any, Any, Any],
    policy: UploadPolicy,
    *,
    filename: str | None,
    title: str | None,
    playback_policy: PlaybackPolicy,
    sha256: str | None,
    sender: str | None,
) -> Incoming:
    """The file of a request, none of it read yet but what a form has before it.

    Raises:
        TooLarge: upload_too_large, by its Content-Length.
        BadRequest: bad_request; the form cannot be read.
        Invalid: validation_failed; no file, or no name for it.
    """
    content_type = request.headers.get("content-type", "")
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    overhead = _FORM_OVERHEAD if is_form else 0
    check_length(request.content_length, policy, overhead=overhead)
    body = _stream(request, policy, overhead)
    fields: dict[str, str] = {}
    if is_form:
        form = await FileForm.open(body, content_type)
        filename, content_type = filename or form.filename, form.content_type
        body, fields = form.chunks(), form.fields
    if not filename:
        raise Invalid("validation_failed", "Name the file: `?filename=`.", pointer="/filename")
    file = Announced(
        filename=filename[:1024],
        size_bytes=None,
        content_type=_media_type(content_type),
        title=title or fields.get("title"),
        sha256=sha256,
        policy=playback_policy,
        sender=sender,
    )
    return Incoming(file, body, fields, is_form)


async def _stream(
    request: Request[Any, Any, Any], policy: UploadPolicy, overhead: int
) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in body_of(request):
        size += len(chunk)
        check_length(size, policy, overhead=overhead)
        yield chunk


async def body_of(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        Interrupted: bad_request; it broke off.
    """
    announced, size = request.content_length, 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if chunk:
                yield chunk
    except HTTPException as error:
        raise Interrupted("bad_request", "The body broke off.") from error
    if announced is not None and size != announced:
        raise Interrupted("bad_request", f"{size} of {announced} bytes arrived.")


def _media_type(given: str) -> str:
    """The type that is kept; what is none becomes a stream of bytes."""
    try:
        return msgspec.convert(given.partition(";")[0].strip(), MediaType)
    except msgspec.ValidationError:
        return DEFAULT_MEDIA_TYPE
