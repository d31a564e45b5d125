"""What the steps of one job hand to each other."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.assets import service as assets
from app.foundation.storage.protocols import LocalFiles
from app.jobs import service as jobs
from workers.pipeline.command import track_path
from workers.pipeline.ladder import Profile
from workers.pipeline.media import Probe
from workers.pipeline.package import CONTENT_TYPES
from workers.pipeline.plan import Plan
from workers.work import Work

PROFILE = Profile()
_AT_ONCE = 16


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


async def link_tracks(work: Work) -> Path:
    """A folder with the encode's track files, under the names that the pipeline gave them."""
    encoded = await result_of(work, "encode")
    folder = work.scratch / "tracks"
    keys = {track_path(Path(), name).name: key for name, key in encoded["tracks"].items()}
    await link_objects(work, folder, keys)
    return folder


async def link_objects(work: Work, folder: Path, keys: Mapping[str, str]) -> None:
    """Lays objects out below a folder under relative names; without copying if it can."""
    for name, key in keys.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(work.services.store, LocalFiles):
            path.symlink_to(work.services.store.local_path(key))
        else:
            await work.services.store.download(key, path)


async def put_files(work: Work, root: Path, names: Sequence[str], prefix: str) -> None:
    """Stores files in groups of a few at once; in order, so that manifests come after segments."""
    for first in range(0, len(names), _AT_ONCE):
        await asyncio.gather(
            *(
                work.services.store.put_file(
                    prefix + name,
                    root / name,
                    content_type=CONTENT_TYPES[Path(name).suffix],
                    consume=True,
                )
                for name in names[first : first + _AT_ONCE]
            )
        )
