"""A PATCH from its first header to its answer: short transactions, and the bytes between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from app.foundation.db.database import Database
from app.foundation.storage.protocols import Store
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.simple import Interrupted
from app.uploads.tus_append import Appending
from app.uploads.tus_headers import Checksum
from app.uploads.tus_lease import kept
from app.uploads.tus_models import TusUpload
from app.uploads.tus_service import begin_append, settle

# A client whose network went away comes back on another connection, and finds the upload locked
# for as long as the old one is taken to be alive.
STALLED_AFTER = timedelta(seconds=6)


@dataclass(frozen=True, slots=True)
class Patch:
    """What the headers of a PATCH say.

    Args:
        announced: Bytes of the body; None where it ends when it ends.
        length: Of the whole upload, if it is said only now.
    """

    offset: int
    announced: int | None
    length: int | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which upload bytes are for, and what it takes to store them."""

    database: Database
    store: Store
    policy: UploadPolicy
    project_id: str
    upload_id: str


async def write(
    place: Place, patch: Patch, chunks: AsyncIterator[bytes]
) -> tuple[Upload, TusUpload]:
    """Takes the bytes, and completes the upload if they were the last ones.

    Raises:
        SpoolError: as `begin_append` and `Appending.run` say.
        StoreError: the store is away.
    """
    database, store, policy = place.database, place.store, place.policy
    async with database.project(place.project_id) as tx:
        hold = await begin_append(
            tx,
            policy,
            place.upload_id,
            offset=patch.offset,
            announced=patch.announced,
            length=patch.length,
        )
    if hold is not None:
        async with kept(database, hold):
            appending = Appending(
                database, store, hold, max_bytes=policy.max_bytes, checksum=patch.checksum
            )
            await appending.run(_while_it_flows(chunks))
    async with database.project(place.project_id) as tx:
        return await settle(tx, store, place.upload_id)


async def _while_it_flows(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks.

    Raises:
        Interrupted: bad_request; none came for too long.
    """
    while True:
        try:
            async with asyncio.timeout(STALLED_AFTER.total_seconds()):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Interrupted(
                "bad_request",
                f"Nothing came for {STALLED_AFTER.total_seconds():g} s. What had come is kept: ask "
                "for the offset and go on.",
            ) from error
        yield chunk
