"""What the steps of one job hand to each other."""

from pathlib import Path
from typing import Any

import msgspec

from app.assets import service as assets
from app.jobs import service as jobs
from workers.pipeline.ladder import Profile
from workers.pipeline.media import Probe
from workers.pipeline.plan import Plan
from workers.work import Work

PROFILE = Profile()


class Layout(msgspec.Struct, frozen=True):
    """The result of the probe task, which all later steps read."""

    probe: Probe
    plan: Plan


async def source_of(work: Work) -> Path:
    """A local file with the asset's source."""
    async with work.transaction() as tx:
        source = await assets.load_source(tx, work.asset_id)
    return await work.local_copy(source.key)


async def layout_of(work: Work) -> Layout:
    return msgspec.convert(await result_of(work, "probe"), Layout)


async def result_of(work: Work, kind: str) -> dict[str, Any]:
    """What the job's task of this kind recorded when it succeeded."""
    async with work.transaction() as tx:
        return await jobs.result_of(tx, work.lease.job_id, kind)


def track_names(plan: Plan) -> list[str]:
    """The renditions' names: pictures from the largest down, then the sound."""
    audio = [plan.ladder.audio.name] if plan.ladder.audio else []
    return [rung.name for rung in plan.ladder.rungs] + audio
