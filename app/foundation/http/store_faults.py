"""What an error of the object store, or of a link into it, means to who waits for the answer."""

from app.foundation.errors import (
    BadRequest,
    Forbidden,
    Invalid,
    NotFound,
    RangeNotSatisfiable,
    SpoolError,
    Unavailable,
)
from app.foundation.signing import SignatureExpired, SignatureInvalid
from app.foundation.storage import errors as storage
from app.foundation.storage import ranges


def understand_store(error: Exception) -> SpoolError | None:
    """The error to answer with, None when it is a fault of ours."""
    match error:
        case SignatureExpired():
            return Forbidden("signature_expired", "The link has expired. Ask for a new one.")
        case SignatureInvalid():
            return Forbidden("signature_invalid", "The link is not one of ours, or was changed.")
        case storage.NotFound() | storage.InvalidKey():
            return NotFound("object_not_found", "There is no such object.")
        case storage.NoSuchUpload():
            return NotFound("upload_not_found", "The upload is complete, called off or expired.")
        case ranges.RangeNotSatisfiable(size=size):
            return RangeNotSatisfiable(
                "range_not_satisfiable",
                f"The object has {size} bytes.",
                headers={"Content-Range": f"bytes */{size}"},
            )
        case storage.PartInvalid() | storage.WrongSize():
            return Invalid("upload_part_invalid", f"Not stored: {error}.")
        case storage.Incomplete():
            return BadRequest("bad_request", "The body ended early; nothing of it was stored.")
        case storage.OutOfSpace():
            return Unavailable(
                "unavailable", "No space is left for media. Somebody must make some."
            )
        case storage.StoreUnavailable():
            again = {"Retry-After": "2"}
            return Unavailable("unavailable", "The object store is away.", headers=again)
        case _:
            return None
