"""How far a task is: a column for who asks, an announcement for who watches."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.claim import Lease
from app.jobs.models import Task, TaskState
from app.notifications.service import announce_progress


async def record_progress(
    tx: AsyncSession, lease: Lease, fraction: float, eta_seconds: float | None
) -> None:
    """Writes the progress of a leased task, 0 to 1; a stale lease writes nothing."""
    written = await tx.execute(
        update(Task)
        .where(Task.id == lease.id, Task.fence == lease.fence, Task.state == TaskState.LEASED)
        .values(progress=fraction, eta_seconds=eta_seconds)
        .returning(Task.id)
        .execution_options(synchronize_session=False)
    )
    if written.first() is None or lease.asset_id is None:
        return
    data = {
        "task_id": lease.id,
        "job_id": lease.job_id,
        "kind": lease.kind,
        "progress": round(fraction, 4),
        "eta_seconds": None if eta_seconds is None else round(eta_seconds, 1),
    }
    await announce_progress(tx, project_id=lease.project_id, asset_id=lease.asset_id, data=data)
