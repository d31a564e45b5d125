"""Cuts what was encoded into segments, and describes them for HLS and DASH."""

import asyncio

import msgspec

from workers.actors.stages import layout_of, link_tracks, put_files
from workers.pipeline.package import package as make_package
from workers.work import Work


async def package(work: Work) -> None:
    layout = await layout_of(work)
    tracks = await link_tracks(work)
    root = work.scratch / "package"
    made = await asyncio.to_thread(make_package, tracks, layout.plan, root)
    prefix = work.output_prefix("renditions")
    await put_files(work, root, made.files, prefix)
    await work.finish(result={"prefix": prefix, "package": msgspec.to_builtins(made)})
