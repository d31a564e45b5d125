"""Finds out what the source is, and plans the work on it."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.jobs import service as jobs
from workers.actors.stages import PROFILE, Layout, source_of
from workers.pipeline.ladder import plan_ladder
from workers.pipeline.media import Probe
from workers.pipeline.plan import Plan, plan_work
from workers.pipeline.probe import probe as probe_media
from workers.work import Work


async def probe(work: Work) -> None:
    """The plan becomes task rows: to resume is to do what is planned and not done."""
    source = await source_of(work)
    found = await probe_media(source, work.services.limits)
    ladder = plan_ladder(found, PROFILE)
    plan = plan_work(found, ladder, PROFILE)

    async def go_on(tx: AsyncSession) -> None:
        await assets.record_probe(
            tx,
            work.asset_id,
            _verdict(found),
            duration_ms=found.duration_ms,
            width=found.video.width if found.video else None,
            height=found.video.height if found.video else None,
        )
        job = await jobs.lock_job(tx, work.lease.job_id)
        await jobs.submit(tx, job, _tasks(plan), parent_id=work.lease.id)

    await work.finish(go_on, msgspec.to_builtins(Layout(probe=found, plan=plan)))


def _tasks(plan: Plan) -> list[jobs.NewTask]:
    planned = [
        jobs.NewTask(step.kind, name=step.name, after=step.after, timeout_seconds=step.timeout_s)
        for step in plan.steps
    ]
    published = [step.name for step in plan.steps if step.kind == "publish"]
    return [
        *planned,
        jobs.NewTask("export", after=published),
        jobs.NewTask("sweep", after=published),
    ]


def _verdict(found: Probe) -> dict[str, object]:
    """What a person or program is told of the input; the list of keyframes is not news."""
    verdict: dict[str, object] = msgspec.to_builtins(found)
    video = verdict["video"]
    if isinstance(video, dict):
        del video["keyframe_times_ms"], video["keyframes_complete"]
    return verdict
