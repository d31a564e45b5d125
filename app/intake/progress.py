"""What of a stream is durable: parts of a multipart upload, and bytes that do not fill one yet.

Those lie in `stream_chunks`, so that everything before a checkpoint is durable and a stream that
stalls holds up no checkpoint. Part n is always the same bytes, so that storing it again changes
nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.intake.models import IngestStream, StreamChunk, StreamState
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.states import OPEN


@dataclass(frozen=True, slots=True)
class Progress:
    """What is durable of a stream.

    Args:
        id: Of its row.
        upload_id: None where its first record never came.
        next_seq: Records before this one are durable.
        size: Bytes that are durable, in parts and in chunks.
        parts: Parts that the store has; `parts * part_bytes` bytes, the rest is chunks.
        limit: Bytes that it may have: as announced, or as the project's uploads.
    """

    id: str
    state: StreamState
    upload_id: str | None
    next_seq: int
    size: int
    parts: int
    part_bytes: int = 0
    object_key: str = ""
    store_upload_id: str = ""
    limit: int = 0

    @classmethod
    def of(cls, row: IngestStream, upload: Upload | None, policy: UploadPolicy) -> "Progress":
        known = (row.id, row.state, row.upload_id, row.next_seq, row.size_bytes, row.parts)
        if upload is None:
            return cls(*known)
        return cls(
            *known,
            part_bytes=upload.part_bytes,
            object_key=upload.object_key,
            store_upload_id=upload.store_upload_id or "",
            limit=upload.size_bytes or policy.max_bytes,
        )


async def read_chunks(tx: AsyncSession, ingest_stream_id: str, offset: int) -> bytes:
    """The durable bytes that are in no part: those from `offset` on."""
    rows = await tx.scalars(
        select(StreamChunk.data)
        .where(StreamChunk.ingest_stream_id == ingest_stream_id, StreamChunk.offset >= offset)
        .order_by(StreamChunk.offset)
    )
    return b"".join(rows)


async def save(
    tx: AsyncSession, project_id: str, progress: Progress, tail: bytes, idle: timedelta
) -> None:
    """Makes a stream's progress durable, together with the bytes that fill no part.

    Args:
        tail: The bytes from where the last part ends, or where the last chunk does if that is
            further on, up to `progress.size`.
        idle: How long the next record may take.
    """
    await tx.execute(
        delete(StreamChunk).where(
            StreamChunk.ingest_stream_id == progress.id,
            StreamChunk.offset < progress.parts * progress.part_bytes,
        )
    )
    if tail:
        await tx.execute(
            insert(StreamChunk).values(
                ingest_stream_id=progress.id,
                project_id=project_id,
                offset=progress.size - len(tail),
                data=tail,
            )
        )
    await tx.execute(
        update(IngestStream)
        .where(IngestStream.id == progress.id)
        .values(
            next_seq=progress.next_seq,
            size_bytes=progress.size,
            parts=progress.parts,
            updated_at=func.clock_timestamp(),
        )
        .execution_options(synchronize_session=False)
    )
    await tx.execute(
        update(Upload)
        .where(Upload.id == progress.upload_id, Upload.state.in_(OPEN))
        .values(deadline_at=func.clock_timestamp() + idle)
        .execution_options(synchronize_session=False)
    )
