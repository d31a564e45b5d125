"""Cuts what was encoded into segments, and describes them for HLS and DASH."""

import asyncio

import msgspec

from workers.actors.stages import layout_of, link_objects, put_files, result_of
from workers.pipeline.package import package as make_package
from workers.work import Work


async def package(work: Work) -> None:
    layout = await layout_of(work)
    encoded = await result_of(work, "encode")
    tracks = work.scratch / "tracks"
    await link_objects(work, tracks, {f"{n}.mp4": key for n, key in encoded["tracks"].items()})
    root = work.scratch / "package"
    made = await asyncio.to_thread(make_package, tracks, layout.plan, root)
    prefix = work.output_prefix("renditions")
    await put_files(work, root, made.files, prefix)
    await work.finish(result={"prefix": prefix, "package": msgspec.to_builtins(made)})
