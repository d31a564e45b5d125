"""From the last byte to a source that can be trusted."""

from collections.abc import Mapping

from opentelemetry.util.types import AttributeValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import AssetState
from app.assets.states import fail_asset, move_asset
from app.foundation.errors import Gone, Invalid
from app.foundation.storage.errors import NoSuchUpload, NotFound, PartInvalid
from app.foundation.storage.protocols import Store
from app.foundation.telemetry.spans import continued_trace
from app.jobs import service as jobs
from app.uploads.models import Upload, UploadState
from app.uploads.parts import check_parts
from app.uploads.service import asset_of, cut_of, fail_upload, get_upload, require_open
from app.uploads.states import move_upload

_ARRIVED = frozenset({UploadState.VERIFYING, UploadState.COMPLETED})


async def complete_upload(
    tx: AsyncSession, store: Store, upload_id: str, claimed: Mapping[int, str] | None = None
) -> tuple[Upload, bool]:
    """Makes the source of the parts and submits its check.

    Completing again answers the same. A crash between the store's part of it and the commit is
    repaired by the next call: the object is there then, whole.

    Args:
        claimed: ETags by part number as the client got them; None takes the store's word.

    Returns:
        The upload, and whether it was this call that completed it.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired.
        Conflict: upload_state.
        Invalid: upload_parts_missing, upload_part_invalid or upload_size_mismatch.
    """
    upload = await get_upload(tx, upload_id, lock=True)
    if upload.state in _ARRIVED:
        return upload, False
    with continued_trace("complete upload", upload.traceparent, {"spool.upload_id": upload_id}):
        await _make_source(store, upload, claimed)
        return await accept_source(tx, upload, upload.size_bytes), True


async def _make_source(store: Store, upload: Upload, claimed: Mapping[int, str] | None) -> None:
    multipart_id = require_open(upload)
    try:
        stored = await store.list_parts(upload.object_key, multipart_id)
        parts = check_parts(cut_of(upload), stored, claimed)
        await store.complete_multipart(upload.object_key, multipart_id, parts)
    except NoSuchUpload as error:
        if not await object_is_whole(store, upload):
            raise Gone(
                "upload_expired", "The parts of this upload are gone. Begin a new one."
            ) from error
    except PartInvalid as error:
        raise Invalid(
            "upload_part_invalid", f"{error}. Send it again.", extra={"part": error.number}
        ) from error


async def object_is_whole(store: Store, upload: Upload) -> bool:
    """Whether the source lies under its key, with all its bytes."""
    try:
        return (await store.head(upload.object_key)).size == upload.size_bytes
    except NotFound:
        return False


async def accept_source(tx: AsyncSession, upload: Upload, size: int) -> Upload:
    """The source lies under its key: the upload is verified next, by a job.

    The job belongs to the trace that the upload began.
    """
    moved = await move_upload(tx, upload.id, UploadState.VERIFYING, changes={"size_bytes": size})
    asset_id = asset_of(upload)
    await move_asset(tx, asset_id, AssetState.INGESTING, changes={"source_bytes": size})
    about: dict[str, AttributeValue] = {"spool.asset_id": asset_id, "spool.source_bytes": size}
    with continued_trace("submit ingest", upload.traceparent, about):
        await submit_ingest(tx, moved)
    return moved


async def submit_ingest(tx: AsyncSession, upload: Upload) -> None:
    """The job that reads the source back, compares its checksum and goes on from there."""
    job = await jobs.create_job(
        tx, project_id=upload.project_id, kind="ingest", asset_id=asset_of(upload)
    )
    await jobs.submit(tx, job, [jobs.NewTask(kind="ingest", args={"upload_id": upload.id})])


async def finish_verification(
    tx: AsyncSession, upload_id: str, *, sha256: str | None, size: int
) -> bool:
    """Records what the ingest task found of the source. Again changes nothing.

    Args:
        sha256: Of the bytes in the store, in hex; None where none was announced or computed.

    Returns:
        True: the asset is processing, and the caller submits what comes next in the same
        transaction. False: the source is not what was announced; upload and asset have failed.

    Raises:
        NotFound: upload_not_found.
        Conflict: upload_state or asset_state; it was cancelled meanwhile.
    """
    upload = await get_upload(tx, upload_id, lock=True)
    if upload.state == UploadState.COMPLETED:
        return True
    if size != upload.size_bytes:
        await fail_verification(
            tx,
            upload_id,
            "upload_size_mismatch",
            f"{size} bytes arrived, but {upload.size_bytes} were announced. Upload it again.",
        )
        return False
    if upload.sha256 is not None and upload.sha256 != sha256:
        await fail_verification(
            tx,
            upload_id,
            "upload_checksum_mismatch",
            "What arrived is not what was announced: its SHA-256 differs. The file was damaged on "
            "its way, or changed while it was sent. Upload it again.",
        )
        return False
    await move_upload(tx, upload_id, UploadState.COMPLETED)
    await move_asset(tx, asset_of(upload), AssetState.PROCESSING, changes={"source_sha256": sha256})
    return True


async def fail_source(tx: AsyncSession, asset_id: str, code: str, message: str) -> None:
    """The source could not be looked at: its upload fails if it was at that, and its asset."""
    upload_id = await tx.scalar(select(Upload.id).where(Upload.asset_id == asset_id))
    if upload_id is None:
        await fail_asset(tx, asset_id, code, message)
    else:
        await fail_verification(tx, upload_id, code, message)


async def fail_verification(tx: AsyncSession, upload_id: str, code: str, message: str) -> None:
    """Upload and asset have failed, for a reason that a person reads. Again changes nothing."""
    upload = await get_upload(tx, upload_id, lock=True)
    if upload.state == UploadState.VERIFYING:
        await fail_upload(tx, upload_id, code, message)
    else:
        await fail_asset(tx, asset_of(upload), code, message)
