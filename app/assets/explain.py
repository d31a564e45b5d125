"""Where a video is and why, in plain words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.assets.schemas import Explanation, Step
from app.foundation.errors import NotFound
from app.jobs.models import Job, JobState, Task, TaskState
from app.jobs.schemas import Failure
from app.notifications.models import Event
from app.uploads.models import Upload, UploadState

_DOING: Mapping[str, str] = {
    "ingest": "Checking the uploaded file",
    "probe": "Looking at what is in the file",
    "encode": "Encoding the renditions",
    "package": "Cutting the renditions into segments",
    "images": "Making poster and storyboard",
    "verify": "Checking the result",
    "publish": "Publishing",
    "export": "Writing the copy of its data",
    "sweep": "Tidying up after the work",
    "delete": "Removing the files",
}


async def explain(tx: AsyncSession, asset_id: str) -> Explanation:
    """The asset's state, what is going on, what it waits for, and what a person can do.

    Raises:
        NotFound: asset_not_found.
    """
    asset = await tx.scalar(select(Asset).where(Asset.id == asset_id))
    if asset is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    upload = await tx.scalar(select(Upload).where(Upload.asset_id == asset_id))
    since = await tx.scalar(
        select(func.max(Event.created_at)).where(
            Event.asset_id == asset_id, Event.type == f"asset.{asset.state.value}"
        )
    )
    tasks = (
        await tx.scalars(
            select(Task)
            .join(Job, Job.id == Task.job_id)
            .where(Task.asset_id == asset_id, Job.state == JobState.RUNNING)
            .order_by(Task.id)
        )
    ).all()
    now: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    return describe(asset, upload, tasks, since=since or asset.created_at, now=now)


def describe(
    asset: Asset,
    upload: Upload | None,
    tasks: Sequence[Task],
    *,
    since: datetime,
    now: datetime,
) -> Explanation:
    """Decides on the words.

    Args:
        tasks: Of the asset's running jobs.
        since: When the asset got into its state.
        now: By the clock that set the tasks' times.
    """
    running = [_step(task, now) for task in tasks if task.state is TaskState.LEASED]
    waiting = [
        _step(task, now)
        for task in tasks
        if task.state in {TaskState.PENDING, TaskState.READY, TaskState.RETRY_WAIT}
    ]
    summary, what_to_do = _words(asset, upload, running, waiting)
    return Explanation(
        asset_id=asset.id,
        state=asset.state,
        since=since,
        summary=summary,
        running=running,
        waiting=waiting,
        error=Failure(asset.error_code, asset.error_message or "") if asset.error_code else None,
        what_to_do=what_to_do,
    )


def _words(
    asset: Asset, upload: Upload | None, running: Sequence[Step], waiting: Sequence[Step]
) -> tuple[str, str]:
    match asset.state:
        case AssetState.CREATED:
            return _of_upload(upload)
        case AssetState.INGESTING | AssetState.PROCESSING | AssetState.DELETING:
            return _of_work(running, waiting)
        case AssetState.READY:
            return "The video is ready to play.", "Nothing."
        case AssetState.FAILED:
            retry = "Retry it, or upload it again."
            return f"It has failed: {asset.error_message}", retry
        case _:
            return "The video was deleted; only this note is left of it.", "Nothing."


def _of_upload(upload: Upload | None) -> tuple[str, str]:
    if upload is None:
        return "No upload belongs to this asset.", "Delete it and upload the video again."
    until = upload.deadline_at.strftime("%Y-%m-%d %H:%M UTC")
    if upload.state is UploadState.WAITING:
        return (
            f"It waits for the first part of {upload.filename}.",
            f"Send the parts and complete the upload before {until}.",
        )
    return (
        f"Parts of {upload.filename} have arrived; the upload is not complete.",
        f"Send what is missing and complete the upload before {until}.",
    )


def _of_work(running: Sequence[Step], waiting: Sequence[Step]) -> tuple[str, str]:
    if running:
        return " ".join(step.words for step in running), "Wait."
    if failing := [step for step in waiting if step.error is not None]:
        return failing[0].words, "Wait; it is tried again by itself."
    if waiting:
        return f"{waiting[0].words}", "Wait; if it stays so, see whether a worker runs."
    return (
        "No task is at work on it. The reconciler looks for such videos and repairs them.",
        "Wait a minute, then retry it.",
    )


def _step(task: Task, now: datetime) -> Step:
    error = Failure(task.error_code, task.error_message or "") if task.error_code else None
    return Step(
        task_id=task.id,
        kind=task.kind,
        state=task.state.value,
        attempt=task.attempt,
        max_attempts=task.max_attempts,
        progress=task.progress,
        eta_seconds=task.eta_seconds,
        error=error,
        words=_step_words(task, now),
    )


def _step_words(task: Task, now: datetime) -> str:
    doing = _DOING.get(task.kind, task.kind)
    if task.state is TaskState.LEASED:
        left = f", about {task.eta_seconds:.0f} s to go" if task.eta_seconds is not None else ""
        again = f" Attempt {task.attempt} of {task.max_attempts}." if task.attempt > 1 else ""
        return f"{doing}: {task.progress:.0%} done{left}.{again}"
    if task.state is TaskState.RETRY_WAIT:
        seconds = max(0.0, (task.run_at - now).total_seconds())
        again = f"It is tried again in {seconds:.0f} s."
        why = task.error_message or task.error_code
        if task.outage_since is not None:
            return f"{doing} waits since {task.outage_since:%Y-%m-%d %H:%M} UTC: {why} {again}"
        attempt = f"attempt {task.attempt} of {task.max_attempts}"
        return f"{doing} failed at {attempt} ({why}). {again}"
    if task.state is TaskState.READY:
        seconds = max(0.0, (now - task.run_at).total_seconds())
        return f"{doing}: waiting for a free worker for {seconds:.0f} s."
    if task.blockers:
        steps = "1 step" if task.blockers == 1 else f"{task.blockers} steps"
        return f"{doing}: waiting for {steps} before it."
    return f"{doing}: not before {task.run_at:%Y-%m-%d %H:%M:%S} UTC."
