"""A whole file in one request: streamed to the store, with no transaction open meanwhile."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.names import clean_line
from app.assets.service import edit_asset
from app.foundation.db.database import Database
from app.foundation.errors import BadRequest, Invalid, SpoolError, TooLarge
from app.foundation.storage.protocols import Store
from app.uploads.completion import accept_source
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.service import (
    SIMPLE,
    Announced,
    asset_of,
    cancel_upload,
    fail_upload,
    get_upload,
    insert_upload,
)


class Interrupted(BadRequest):
    """The client went away in the middle; nobody hears the answer."""


def check_length(length: int | None, policy: UploadPolicy, *, overhead: int = 0) -> None:
    """Refuses a body that is too large: by its own word before a byte of it is read, or by now.

    Args:
        length: Content-Length, None where it is unknown; or the bytes that have come.
        overhead: Bytes that the body may have beside the file.

    Raises:
        TooLarge: upload_too_large.
    """
    limit = policy.simple_max_bytes
    if length is not None and length > limit + overhead:
        raise TooLarge(
            "upload_too_large",
            f"One request takes a file of at most {limit} bytes. Send larger ones in parts, with "
            "POST /v1/uploads.",
            extra={"limit_bytes": limit},
        )


async def receive(
    database: Database,
    store: Store,
    policy: UploadPolicy,
    project_id: str,
    file: Announced,
    chunks: AsyncIterator[bytes],
) -> tuple[str, int]:
    """Takes the bytes; gives the upload's id and how many they were.

    Raises:
        TooLarge: upload_too_large; the rest is not read.
        Invalid: upload_empty.
        Interrupted: bad_request; the upload stays as it is, and expires.
        StoreUnavailable: the store cannot take them; the upload expires.
    """
    async with database.project(project_id) as tx:
        upload = await insert_upload(tx, policy, project_id, file, method=SIMPLE)
    meter = _Meter(chunks, policy)
    try:
        await store.put(upload.object_key, meter.blocks(), content_type=upload.content_type)
        if meter.size == 0:
            await store.delete(upload.object_key)
            raise Invalid("upload_empty", "The file has no bytes.")
    except Interrupted:
        raise
    except SpoolError as error:
        async with database.project(project_id) as tx:
            await fail_upload(tx, upload.id, error.code, error.detail)
        raise
    return upload.id, meter.size


async def accept(tx: AsyncSession, upload_id: str, size: int, *, title: str | None) -> Upload:
    """The file is in the store: verified next, by a job.

    Args:
        title: One that was learned behind the file.
    """
    upload = await get_upload(tx, upload_id, lock=True)
    upload = await accept_source(tx, upload, size)
    if title and (shown := clean_line(title)):
        await edit_asset(tx, asset_of(upload), {"title": shown})
    return upload


async def withdraw(tx: AsyncSession, store: Store, upload_id: str) -> None:
    """Drops what came twice: another request with the same key was first."""
    await cancel_upload(tx, store, upload_id)


class _Meter:
    """Counts what passes, and stops it at the limit."""

    def __init__(self, chunks: AsyncIterator[bytes], policy: UploadPolicy) -> None:
        self._chunks = chunks
        self._policy = policy
        self.size = 0

    async def blocks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            check_length(self.size, self._policy)
            yield chunk
