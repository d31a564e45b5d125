"""A folder store over HTTP, without a framework: what the routes below its base URL call.

Signature, expiry, method and announced length are judged before a byte of a body is read. Beside
what is listed, the functions that take a token raise SignatureInvalid and SignatureExpired, and all
raise StoreUnavailable.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from app.foundation.signing import SignatureInvalid, UrlSigner
from app.foundation.storage.conditions import select
from app.foundation.storage.errors import Incomplete, WrongSize
from app.foundation.storage.folder_multipart import FolderMultipart
from app.foundation.storage.folder_urls import (
    CLAIM_CONTENT_TYPE,
    CLAIM_FILENAME,
    CLAIM_KEY,
    CLAIM_SIZE,
    object_path,
    part_path,
)
from app.foundation.storage.protocols import (
    DEFAULT_CONTENT_TYPE,
    MAX_PART_BYTES,
    ObjectInfo,
    ObjectStore,
    Part,
)


@dataclass(frozen=True, slots=True)
class ObjectResponse:
    """An answer to GET; for HEAD the body is left alone, nothing is open before its first block.

    Args:
        status: 200, 206 or 304.
        headers: Lower-case names; nothing about caching, which the route knows more of.
    """

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


async def receive_part(
    store: FolderMultipart,
    signer: UrlSigner,
    *,
    upload_id: str,
    number: int,
    token: str,
    body: AsyncIterator[bytes],
    content_length: int | None,
    now: datetime,
) -> Part:
    """Stores a part that somebody sends to a URL of `sign_part`.

    Answer 200 with the header `etag_header(part.etag)`.

    Raises:
        StoreError: as `FolderMultipart.put_part`.
    """
    claims = signer.verify(token, "PUT", part_path(upload_id, number), now=now)
    key = claims.get(CLAIM_KEY)
    if not isinstance(key, str):
        raise SignatureInvalid("the token is not for a part")
    return await store.put_part(
        key, upload_id, number, body, content_length=content_length, size=_size(claims)
    )


async def receive_object(
    store: ObjectStore,
    signer: UrlSigner,
    *,
    key: str,
    token: str,
    body: AsyncIterator[bytes],
    content_length: int | None,
    now: datetime,
) -> ObjectInfo:
    """Stores an object that somebody sends to a URL of `sign_put`.

    Answer 200 with the header `etag_header(info.etag)`.

    Raises:
        WrongSize: another size than was signed is announced or comes.
        Incomplete: fewer bytes come than were announced.
    """
    claims = signer.verify(token, "PUT", object_path(key), now=now)
    size = _size(claims)
    if size is not None and content_length not in (None, size):
        raise WrongSize(f"it has {size} bytes, and {content_length} are announced")
    expected = content_length if size is None else size
    if expected is not None and expected > MAX_PART_BYTES:
        raise WrongSize(f"one request stores at most {MAX_PART_BYTES} bytes")
    content_type = str(claims.get(CLAIM_CONTENT_TYPE, DEFAULT_CONTENT_TYPE))
    return await store.put(key, _of_size(body, expected), content_type=content_type)


async def open_signed(
    store: ObjectStore,
    signer: UrlSigner,
    *,
    key: str,
    token: str,
    now: datetime,
    request_headers: Mapping[str, str],
) -> ObjectResponse:
    """The answer to GET or HEAD of a URL of `sign_get`; see `open_object` for the rest."""
    claims = signer.verify(token, "GET", object_path(key), now=now)
    filename = claims.get(CLAIM_FILENAME)
    return await open_object(
        store,
        key,
        request_headers=request_headers,
        filename=filename if isinstance(filename, str) else None,
    )


async def open_object(
    store: ObjectStore,
    key: str,
    *,
    request_headers: Mapping[str, str],
    filename: str | None = None,
) -> ObjectResponse:
    """The answer to GET or HEAD for whoever may read the object.

    Raises:
        NotFound: there is no object.
        RangeNotSatisfiable: as `select`, which looks at the request's headers.
    """
    info = await store.head(key)
    chosen = select(info, request_headers)
    headers = {
        **chosen.headers,
        "last-modified": format_datetime(info.last_modified, usegmt=True),
        "content-type": info.content_type,
        # Whatever somebody uploaded runs no script under the name of the API.
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
    }
    if filename is not None:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
    body = store.read(key, start=chosen.start, end=chosen.end, if_match=info.etag)
    return ObjectResponse(chosen.status, headers, body)


def etag_header(etag: str) -> dict[str, str]:
    return {"etag": f'"{etag}"'}


def _size(claims: Mapping[str, str | int]) -> int | None:
    size = claims.get(CLAIM_SIZE)
    return size if isinstance(size, int) else None


async def _of_size(body: AsyncIterator[bytes], expected: int | None) -> AsyncIterator[bytes]:
    limit = MAX_PART_BYTES if expected is None else expected
    size = 0
    async for block in body:
        size += len(block)
        if size > limit:
            raise WrongSize(f"more than {limit} bytes came")
        yield block
    if expected is not None and size < expected:
        raise Incomplete(f"{size} of {expected} bytes came")
