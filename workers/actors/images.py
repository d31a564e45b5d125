"""Poster, storyboard with its index, and stills, from what was encoded."""

from dataclasses import asdict

from app.renditions.service import NewImage
from workers.actors.stages import layout_of, link_tracks, put_files
from workers.pipeline.images import make_images
from workers.work import Work


async def images(work: Work) -> None:
    layout = await layout_of(work)
    tracks = await link_tracks(work)
    out_dir = work.scratch / "images"
    made = await make_images(
        work.services.ffmpeg, tracks, layout.plan, out_dir, limits=work.services.limits
    )
    prefix = work.output_prefix("images")
    await put_files(work, out_dir, [image.name for image in made], prefix)
    rows = [
        NewImage(
            kind=image.kind,
            object_key=prefix + image.name,
            content_type=image.content_type,
            size_bytes=image.size_bytes,
            width=image.width,
            height=image.height,
            time_ms=image.time_ms,
        )
        for image in made
    ]
    await work.finish(result={"images": [asdict(row) for row in rows]})
