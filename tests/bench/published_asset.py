"""A published asset as rows, for whom the media does not matter, and a key that may read it."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, update

from app.accounts.api_keys import create_key
from app.assets.models import Asset, AssetState
from app.assets.service import create_asset
from app.foundation.auth import SCOPES, Principal
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.renditions.models import Image, Rendition
from app.uploads.models import Upload, UploadState

_HEIGHTS = (1080, 720, 480, 360, 240)
_VERDICT = {"container": "mp4", "tracks": ["h264", "aac"], "notes": []}


@dataclass(frozen=True, slots=True)
class Published:
    project_id: str
    asset_id: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


async def publish_asset(database: Database, project_id: str) -> Published:
    """An asset with five renditions, sound, three images and its upload."""
    async with database.project(project_id) as tx:
        asset = await create_asset(
            tx,
            project_id=project_id,
            title="Opening night",
            filename="night.mp4",
            expires=timedelta(hours=1),
        )
        await tx.execute(
            update(Asset)
            .where(Asset.id == asset.id)
            .values(
                state=AssetState.READY,
                deadline_at=None,
                duration_ms=60_000,
                width=1920,
                height=1080,
                verdict=_VERDICT,
                source_bytes=22_400_000,
                ready_at=func.clock_timestamp(),
                playable_at=func.clock_timestamp(),
            )
        )
        owned = {"project_id": project_id, "asset_id": asset.id}
        tx.add_all([_rendition(height, owned) for height in (*_HEIGHTS, None)])
        tx.add_all([_image(kind, owned) for kind in ("poster", "storyboard", "storyboard_index")])
        tx.add(_upload(asset.source_key or "", owned))
    principal = Principal(project_id, SCOPES)
    async with database.project(project_id) as tx:
        _, key = await create_key(tx, principal, name="bench", scopes=SCOPES, expires_at=None)
    return Published(project_id, asset.id, key)


def _rendition(height: int | None, owned: dict[str, str]) -> Rendition:
    return Rendition(
        id=new_id("ren"),
        **owned,
        name=f"{height}p" if height else "audio",
        kind="video" if height else "audio",
        codecs="avc1.640028" if height else "mp4a.40.2",
        width=height * 16 // 9 if height else None,
        height=height,
        frame_rate=30.0 if height else None,
        bandwidth=5_000_000,
        average_bandwidth=4_000_000,
        segment_count=15,
        duration_ms=60_000,
        size_bytes=30_000_000,
        copied=False,
        conformance={"ok": True},
    )


def _image(kind: str, owned: dict[str, str]) -> Image:
    return Image(
        id=new_id("img"),
        **owned,
        kind=kind,
        object_key=f"images/{kind}",
        content_type="image/jpeg",
        width=1280,
        height=720,
        time_ms=0,
        size_bytes=100_000,
    )


def _upload(key: str, owned: dict[str, str]) -> Upload:
    return Upload(
        id=new_id("upl"),
        **owned,
        state=UploadState.COMPLETED,
        method="parts",
        filename="night.mp4",
        content_type="video/mp4",
        size_bytes=22_400_000,
        part_bytes=16 * 1024 * 1024,
        object_key=key,
        deadline_at=func.clock_timestamp(),
    )
