"""Taking an asset back into work, and out of it, with its jobs."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.assets.service import get_asset
from app.assets.states import fail_asset, move_asset
from app.foundation.errors import Conflict
from app.foundation.telemetry.spans import continued_trace
from app.jobs import service as jobs
from app.jobs.models import Job, JobState, Task, TaskState
from app.uploads.models import Upload, UploadState
from app.uploads.states import move_upload

# What arrived is not what was sent: no further look at it makes it right.
_DAMAGED = frozenset({"upload_checksum_mismatch", "upload_size_mismatch"})
# Kinds of jobs whose failure was the asset's failure.
_MAKING = frozenset({"ingest", "process"})


async def retry_asset(tx: AsyncSession, asset_id: str) -> Asset:
    """Starts a failed asset's work again, with a new job.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
        Conflict: asset_state; it has not failed, or its source never arrived whole.
    """
    upload = await _lock_upload(tx, asset_id)
    asset = await _reopen(tx, asset_id, upload)
    if upload is not None and asset.state is AssetState.INGESTING:
        what, kind, args = "ingest", "ingest", {"upload_id": upload.id}
    else:
        what, kind, args = "process", "probe", {}
    with continued_trace("retry asset", upload.traceparent if upload else None):
        job = await jobs.create_job(tx, project_id=asset.project_id, kind=what, asset_id=asset_id)
        await jobs.submit(tx, job, [jobs.NewTask(kind=kind, args=args)])
    return asset


async def reopen_asset_of(tx: AsyncSession, job: Job) -> None:
    """Takes the asset back into work when a job of it is retried; goes after `retry_job`.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
        Conflict: asset_state; the asset is in no need of that job any more.
    """
    if job.asset_id is None or job.kind not in _MAKING:
        return
    upload = await _lock_upload(tx, job.asset_id)
    asset = await get_asset(tx, job.asset_id, lock=True)
    if asset.state in {AssetState.INGESTING, AssetState.PROCESSING}:
        return
    if asset.state is AssetState.READY and await _has_published(tx, job.id):
        return
    await _reopen(tx, job.asset_id, upload)


async def _has_published(tx: AsyncSession, job_id: str) -> bool:
    """Whether what is left of the job is only what comes after publishing."""
    published = select(Task.id).where(
        Task.job_id == job_id, Task.kind == "publish", Task.state == TaskState.SUCCEEDED
    )
    return await tx.scalar(published) is not None


async def _lock_upload(tx: AsyncSession, asset_id: str) -> Upload | None:
    upload: Upload | None = await tx.scalar(
        select(Upload).where(Upload.asset_id == asset_id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    return upload


async def _reopen(tx: AsyncSession, asset_id: str, upload: Upload | None) -> Asset:
    asset = await get_asset(tx, asset_id, lock=True)
    if asset.state is not AssetState.FAILED:
        raise Conflict(
            "asset_state", f"The asset is {asset.state}; only what has failed can be retried."
        )
    if asset.source_bytes is None or (upload is not None and upload.error_code in _DAMAGED):
        raise Conflict(
            "asset_state", "The file never arrived whole, so there is nothing to retry. Upload it."
        )
    if upload is None or upload.state is UploadState.COMPLETED:
        return await move_asset(tx, asset_id, AssetState.PROCESSING)
    if upload.state is not UploadState.VERIFYING:
        changes = {"error_code": None, "error_message": None}
        await move_upload(tx, upload.id, UploadState.VERIFYING, changes=changes)
    return await move_asset(tx, asset_id, AssetState.INGESTING)


async def halt_asset_of(tx: AsyncSession, job: Job) -> None:
    """Says of the asset that nobody works on it any more, when somebody cancelled its job."""
    if job.asset_id is not None and job.kind in _MAKING and job.state is JobState.CANCELLED:
        await fail_asset(
            tx,
            job.asset_id,
            "cancelled",
            "Somebody cancelled the work on this video. Retry it to go on; the source is kept.",
        )
