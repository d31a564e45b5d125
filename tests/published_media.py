"""A published asset: a small clip that went through the real pipeline, and rows that name it.

The pipeline's work is done once; each test gets rows and objects of its own from it.
"""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.assets import service as assets
from app.assets.models import Asset, AssetState
from app.assets.states import move_asset
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.foundation.storage.protocols import ObjectStore
from app.renditions.service import NewImage, NewRendition
from workers.pipeline.encode import encode
from workers.pipeline.ffmpeg import Ffmpeg, find_ffmpeg
from workers.pipeline.images import ImageFile, make_images
from workers.pipeline.ladder import Profile, plan_ladder
from workers.pipeline.limits import Limits
from workers.pipeline.package import Package, package
from workers.pipeline.plan import plan_work
from workers.pipeline.probe import probe

SECONDS = 10


@dataclass(frozen=True)
class MadeMedia:
    """What the pipeline left on disk."""

    folder: Path
    package: Package
    images: tuple[ImageFile, ...]

    @property
    def heights(self) -> list[int]:
        """Of the ladder, from the largest down."""
        return sorted((r.height for r in self.package.renditions if r.height), reverse=True)


def make_media(folder: Path, picture: str = "testsrc2=size=640x360:rate=25") -> MadeMedia:
    """Ten seconds in two sizes, with sound; every second has its own picture.

    Args:
        folder: Where everything is put.
        picture: A filter of FFmpeg that makes pictures of 640 by 360, without end.
    """
    ffmpeg = find_ffmpeg()
    source = folder / "clip.mp4"
    subprocess.run(
        [
            *(str(ffmpeg.path), "-v", "error", "-nostdin"),
            *("-f", "lavfi", "-t", str(SECONDS), "-i", picture),
            *("-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"),
            *("-c:a", "aac", str(source)),
        ],
        check=True,
    )
    return asyncio.run(_process(ffmpeg, source, folder))


async def _process(ffmpeg: Ffmpeg, source: Path, folder: Path) -> MadeMedia:
    limits, profile = Limits(), Profile()
    tracks, root, pictures = folder / "tracks", folder / "package", folder / "images"
    tracks.mkdir()
    found = await probe(source, limits)
    plan = plan_work(found, plan_ladder(found, profile), profile)
    await encode(ffmpeg, source, found, plan, tracks, limits=limits, on_progress=lambda _: None)
    made = package(tracks, plan, root)
    images = await make_images(ffmpeg, tracks, plan, pictures, limits=limits)
    return MadeMedia(folder, made, images)


async def add_asset(database: Database, project_id: str, *, title: str = "A clip") -> str:
    """An asset that is being processed."""
    asset_id = new_id("ast")
    async with database.project(project_id) as tx:
        tx.add(
            Asset(
                id=asset_id,
                project_id=project_id,
                title=title,
                state=AssetState.INGESTING,
                width=640,
                height=360,
            )
        )
        await tx.flush()
        await move_asset(tx, asset_id, AssetState.PROCESSING)
    return asset_id


async def publish(
    database: Database, store: ObjectStore, made: MadeMedia, project_id: str, asset_id: str
) -> None:
    """Stores what was made under names of an attempt, and publishes it."""
    attempt = f"{asset_id}/{new_id('tsk')}.1/"
    media_prefix, images_prefix = f"renditions/{attempt}", f"images/{attempt}"
    for name in made.package.files:
        await store.put_file(media_prefix + name, made.folder / "package" / name)
    for image in made.images:
        await store.put_file(images_prefix + image.name, made.folder / "images" / image.name)
    async with database.project(project_id) as tx:
        await assets.publish_media(
            tx,
            asset_id,
            media_prefix=media_prefix,
            duration_ms=made.package.duration_ms,
            renditions=[
                msgspec.convert(msgspec.to_builtins(rendition) | {"conformance": {}}, NewRendition)
                for rendition in made.package.renditions
            ],
            images=[_row(image, images_prefix) for image in made.images],
        )


def _row(image: ImageFile, prefix: str) -> NewImage:
    facts = msgspec.to_builtins(image)
    return NewImage(object_key=prefix + facts.pop("name"), **facts)
