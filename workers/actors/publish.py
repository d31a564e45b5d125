"""The one transaction that makes an attempt's output the asset's media."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.renditions.service import NewImage, NewRendition
from workers.actors.stages import result_of
from workers.pipeline.package import Package
from workers.pipeline.renditions import Rendition
from workers.work import Work


async def publish(work: Work) -> None:
    packaged = await result_of(work, "package")
    report = await result_of(work, "verify")
    images = (await result_of(work, "images"))["images"]
    made = msgspec.convert(packaged["package"], Package)

    async def make_visible(tx: AsyncSession) -> None:
        await assets.publish_media(
            tx,
            work.asset_id,
            media_prefix=packaged["prefix"],
            duration_ms=made.duration_ms,
            renditions=[_row(rendition, report) for rendition in made.renditions],
            images=[NewImage(**image) for image in images],
        )

    await work.finish(make_visible, {"media_prefix": packaged["prefix"]})


def _row(rendition: Rendition, report: dict[str, object]) -> NewRendition:
    return NewRendition(
        name=rendition.name,
        kind=rendition.kind,
        codecs=rendition.codecs,
        width=rendition.width,
        height=rendition.height,
        frame_rate=rendition.frame_rate,
        bandwidth=rendition.bandwidth,
        average_bandwidth=rendition.average_bandwidth,
        segment_count=rendition.segment_count,
        duration_ms=rendition.duration_ms,
        size_bytes=rendition.size_bytes,
        copied=rendition.copied,
        conformance=report,
    )
