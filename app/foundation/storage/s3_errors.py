"""What S3 and botocore raise, as what a store raises."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.foundation.storage.errors import (
    Changed,
    InvalidKey,
    NoSuchUpload,
    NotFound,
    OutOfSpace,
    StoreError,
    StoreUnavailable,
    WrongSize,
)

# HEAD has no body to tell a code in, so that botocore gives the status for one.
_NOT_FOUND = {"NoSuchKey", "404", "NotFound"}
_CHANGED = {"PreconditionFailed", "412"}
# The last two are what servers say that keep objects in folders.
_INVALID_KEY = {
    "KeyTooLongError",
    "KeyTooLong",
    "InvalidObjectName",
    "XMinioInvalidObjectName",
    "XMinioParentIsObject",
    "ObjectParentIsFile",
    "ExistingObjectIsDirectory",
}
_OUT_OF_SPACE = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "507"}
_ENDS_OF_RANGE = {"InvalidRange", "416"}


@contextmanager
def s3_errors(key: str, *, upload_id: str = "") -> Iterator[None]:
    """Turns what a request for this key raises into what a store raises."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, key, upload_id) from error
    except (BotoCoreError, HTTPError) as error:
        raise StoreUnavailable(f"the store does not answer: {error}") from error


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def was_retried(error: ClientError) -> bool:
    """Whether an earlier try may have been carried out, though its answer never came."""
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def is_out_of_range(error: ClientError) -> bool:
    """Whether a range begins where the object has ended: it has no bytes there."""
    return code_of(error) in _ENDS_OF_RANGE


def _translated(error: ClientError, key: str, upload_id: str) -> StoreError:
    code = code_of(error)
    if code == "NoSuchUpload":
        return NoSuchUpload(upload_id)
    if code in _NOT_FOUND:
        return NotFound(key)
    if code in _CHANGED:
        return Changed(key)
    if code in _INVALID_KEY:
        return InvalidKey(f"the store refuses the key {key!r}: {code}")
    if code in _OUT_OF_SPACE:
        return OutOfSpace(f"no space left in the store: {code}")
    if code == "EntityTooLarge":
        return WrongSize("the store takes no object or part of that size")
    return StoreUnavailable(f"the store refuses: {error}")
