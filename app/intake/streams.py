"""A video that comes through a data stream: begun, completed or failed, with its upload."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.ids import new_id
from app.foundation.errors import Invalid
from app.foundation.storage.protocols import MIN_PART_BYTES, Store
from app.intake.models import IngestStream, StreamChunk, StreamShard, StreamState
from app.intake.progress import Progress
from app.intake.records import Begin, End
from app.intake.shards import Group
from app.uploads.completion import complete_upload
from app.uploads.models import Upload
from app.uploads.parts import plan_cut
from app.uploads.policy import UploadPolicy
from app.uploads.service import (
    STREAM,
    Announced,
    begin_multipart,
    check_size,
    discard,
    fail_upload,
    get_upload,
    insert_upload,
)
from app.uploads.states import OPEN

STREAM_TAG = "stream_id"


def stream_policy(policy: UploadPolicy, idle: timedelta) -> UploadPolicy:
    """How streams differ from uploads: small parts, since no part is sent until it is full."""
    part_bytes = plan_cut(policy.max_bytes, MIN_PART_BYTES).part_size
    return replace(policy, part_bytes=part_bytes, expires=idle)


async def find(
    tx: AsyncSession, group: Group, stream_id: str, policy: UploadPolicy
) -> Progress | None:
    """The stream as it is durable; None when nothing is known of it.

    One whose upload was cancelled or has expired ends by this.
    """
    row = await tx.scalar(select(IngestStream).where(*_of(group, stream_id)))
    if row is None:
        return None
    upload = await get_upload(tx, row.upload_id) if row.upload_id else None
    if upload and row.state is StreamState.OPEN and upload.state not in OPEN:
        message = f"The upload is {upload.state.value}; records of it are not wanted any more."
        error = {"error_code": "upload_state", "error_message": message}
        await _end(tx, row.id, {"state": StreamState.FAILED, **error})
        row.state = StreamState.FAILED
    return Progress.of(row, upload, policy)


async def begin(
    tx: AsyncSession,
    store: Store,
    policy: UploadPolicy,
    group: Group,
    stream_id: str,
    record: Begin,
) -> Progress:
    """An asset that waits for the stream's bytes, tagged with the stream's id.

    Args:
        policy: Of `stream_policy`.

    Raises:
        TooLarge: upload_too_large, by the size that it announces.
        Invalid: upload_empty.
        StoreUnavailable: the store cannot begin it.
    """
    if record.size is not None:
        check_size(record.size, policy.max_bytes)
    file = Announced(
        filename=record.filename,
        size_bytes=record.size,
        content_type=record.content_type,
        tags={STREAM_TAG: stream_id},
        sha256=record.sha256,
    )
    upload = await insert_upload(tx, policy, group.project_id, file, method=STREAM)
    row: IngestStream | None = await tx.scalar(
        _row(group, stream_id, StreamState.OPEN, next_seq=1, upload_id=upload.id).returning(
            IngestStream
        )
    )
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    await begin_multipart(tx, store, upload)
    return Progress.of(row, upload, policy)


async def complete(tx: AsyncSession, store: Store, progress: Progress, record: End) -> Upload:
    """Makes the source of the parts, all of which are stored; its checksum is compared by a job.

    Raises:
        Conflict, Gone, Invalid: as `complete_upload`; it was cancelled or has expired meanwhile.
    """
    if progress.upload_id is None:
        raise ValueError("a stream that never began has no end")
    announced = await tx.scalar(select(Upload.sha256).where(Upload.id == progress.upload_id))
    sha256 = record.sha256.lower()
    if announced not in {None, sha256}:
        raise Invalid(
            "upload_checksum_mismatch",
            "The stream's last record has another SHA-256 than its first one announced.",
        )
    await tx.execute(
        update(Upload)
        .where(Upload.id == progress.upload_id, Upload.state.in_(OPEN))
        .values(size_bytes=progress.size, sha256=sha256)
        .execution_options(synchronize_session=False)
    )
    upload, _ = await complete_upload(tx, store, progress.upload_id)
    await _end(tx, progress.id, {"state": StreamState.COMPLETED, "next_seq": record.seq + 1})
    return upload


async def fail(
    tx: AsyncSession,
    store: Store,
    group: Group,
    stream_id: str,
    progress: Progress | None,
    code: str,
    message: str,
) -> None:
    """Ends a stream with a reason; its upload and its asset fail with it. Again: nothing.

    Args:
        progress: None where its first record never came, or could not be taken.
    """
    error = {"error_code": code, "error_message": message}
    if progress is None:
        failed = _row(group, stream_id, StreamState.FAILED, next_seq=0, **error)
        await tx.execute(failed.on_conflict_do_nothing())
        return
    await _end(tx, progress.id, {"state": StreamState.FAILED, **error})
    if progress.upload_id is not None:
        upload = await get_upload(tx, progress.upload_id, lock=True)
        if upload.state in OPEN:
            await discard(store, await fail_upload(tx, upload.id, code, message))


async def put_off_expiry(
    tx: AsyncSession, upload_id: str, *, idle: timedelta, longest: timedelta
) -> bool:
    """Gives a stream more time if nobody reads its data stream: its records may be waiting there.

    Args:
        idle: How much.
        longest: Since it was begun; Kinesis keeps nothing for ever.

    Returns:
        Whether the upload is a stream's that does not expire now.
    """
    of_group = (
        StreamShard.project_id == IngestStream.project_id,
        StreamShard.consumer_group == IngestStream.consumer_group,
        StreamShard.stream == IngestStream.stream,
    )
    is_read = exists().where(*of_group, StreamShard.lease_until > func.clock_timestamp())
    unread = select(IngestStream.upload_id).where(IngestStream.upload_id == upload_id, ~is_read)
    put_off = await tx.scalar(
        update(Upload)
        .where(
            Upload.id.in_(unread),
            Upload.state.in_(OPEN),
            Upload.created_at > func.clock_timestamp() - longest,
        )
        .values(deadline_at=func.clock_timestamp() + idle)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    )
    return put_off is not None


def _row(group: Group, stream_id: str, state: StreamState, **values: object) -> Insert:
    return insert(IngestStream).values(
        id=new_id("str"),
        project_id=group.project_id,
        consumer_group=group.name,
        stream=group.stream,
        stream_id=stream_id,
        state=state,
        size_bytes=0,
        parts=0,
        **values,
    )


async def _end(tx: AsyncSession, ingest_stream_id: str, values: Mapping[str, object]) -> None:
    await tx.execute(
        update(IngestStream)
        .where(IngestStream.id == ingest_stream_id, IngestStream.state == StreamState.OPEN)
        .values(**values, updated_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    await tx.execute(delete(StreamChunk).where(StreamChunk.ingest_stream_id == ingest_stream_id))


def _of(group: Group, stream_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        IngestStream.project_id == group.project_id,
        IngestStream.consumer_group == group.name,
        IngestStream.stream == group.stream,
        IngestStream.stream_id == stream_id,
    )
