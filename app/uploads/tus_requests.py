"""What requests of tus have in them, checked for what the protocol asks."""

from typing import Any

from litestar import Request

from app.foundation.errors import BadRequest, UnsupportedMediaType
from app.uploads import tus_headers as headers
from app.uploads.tus_headers import CHUNK_TYPE
from app.uploads.tus_writing import Patch

AnyRequest = Request[Any, Any, Any]


def length_of(
    length: str | None, deferred: str | None, *, final: bool, concat: str | None
) -> int | None:
    """The length that a creation announces; None of a final upload, and of one that says later.

    Raises:
        BadRequest: bad_request; too little or too much was said.
    """
    if concat is not None and not final and concat != "partial":
        raise BadRequest("bad_request", "Upload-Concat is `partial` or `final;` with addresses.")
    size = headers.parse_number("Upload-Length", length)
    if final:
        if size is not None or deferred is not None:
            raise BadRequest("bad_request", "A final upload is as long as its parts are.")
        return None
    if deferred not in {None, "1"}:
        raise BadRequest("bad_request", "Upload-Defer-Length can only be 1.")
    if (size is None) == (deferred is None):
        raise BadRequest("bad_request", "Send either Upload-Length or `Upload-Defer-Length: 1`.")
    return size


def first_chunk(request: AnyRequest, checksum: str | None) -> Patch | None:
    """What the body of a creation has, if it has anything."""
    if "transfer-encoding" not in request.headers and not request.content_length:
        return None
    require_chunk(request)
    return Patch(0, request.content_length, checksum=headers.parse_checksum(checksum))


def require_chunk(request: AnyRequest) -> None:
    """Raises UnsupportedMediaType: unsupported_media_type."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CHUNK_TYPE:
        raise UnsupportedMediaType(
            "unsupported_media_type", f"Bytes of the file come as {CHUNK_TYPE}."
        )
