"""From a playback id to what may be shown: who it belongs to, whether it opens, what there is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.foundation.errors import Conflict, NotFound
from app.jobs.models import Task, TaskState
from app.playback.delivery import Audience, Delivery, Grant, shared_expiry
from app.playback.models import PlaybackId, PlaybackPolicy
from app.playback.tokens import PlaybackTokens
from app.renditions.models import Image, ImageKind
from app.renditions.service import thumbnail_near

_GONE = frozenset({AssetState.DELETING, AssetState.DELETED})
RETRY_AFTER_SECONDS = 2
# An encode takes longer than all the rest; the bar should say so.
_ENCODE_WEIGHT = 8


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """An image of the asset, by its key in the object store."""

    kind: str
    key: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Viewing:
    """A playback id that has been opened.

    Args:
        opened_until: What is handed out for it stops working then.
        progress: From 0 to 1, while the video is being made.
        token: What opened it, None for a public id.
        images: All but thumbnails, of which there are many and seldom one is wanted.
    """

    playback_id: str
    project_id: str
    policy: PlaybackPolicy
    opened_until: datetime
    token: str | None
    asset_id: str
    title: str
    state: AssetState
    error_message: str | None
    media_prefix: str | None
    duration_ms: int | None
    width: int | None
    height: int | None
    progress: float
    images: tuple[PublishedImage, ...]

    @property
    def playable(self) -> bool:
        return self.media_prefix is not None

    @property
    def audience(self) -> Audience:
        return Audience.EVERYBODY if self.policy is PlaybackPolicy.PUBLIC else Audience.VIEWER

    def grant(self, delivery: Delivery, prefix: str, *, cookies: bool = False) -> Grant:
        """What opens the objects under `prefix` to this viewer; see `Delivery.grant`."""
        return delivery.grant(prefix, self.opened_until, self.audience, cookies=cookies)

    def playlist_path(self, path: str) -> str:
        """Where this API answers a media playlist, by its path below the media's prefix."""
        query = "?" + urlencode({"token": self.token}) if self.token else ""
        return f"/{self.playback_id}/playlists/{path}{query}"

    def published_prefix(self) -> str:
        """Under which the media lies; without a slash at the end.

        Raises:
            Conflict: playback_not_ready, with Retry-After, or playback_failed.
        """
        if self.media_prefix is not None:
            return self.media_prefix.rstrip("/")
        if self.state is AssetState.FAILED:
            raise Conflict(
                "playback_failed", self.error_message or "The video could not be processed."
            )
        raise Conflict(
            "playback_not_ready",
            "The video is still being processed. Try again in a moment.",
            extra={"state": self.state.value, "progress": self.progress},
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    def image(self, kind: str, content_type: str | None = None) -> PublishedImage:
        """The image of a kind, of this type where there are several.

        Raises:
            NotFound: image_not_found.
            Conflict: playback_not_ready or playback_failed, while there are none.
        """
        for image in self.images:
            if image.kind == kind and content_type in (None, image.content_type):
                return image
        if not self.images:
            self.published_prefix()
        raise NotFound("image_not_found", "The video has no such image.")


class Viewings:
    """Opens playback ids."""

    def __init__(
        self,
        database: Database,
        tokens: PlaybackTokens,
        *,
        public_lasts: timedelta,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._public_lasts = public_lasts

    async def open(self, playback_id: str, token: str | None) -> Viewing:
        """What the id shows, to somebody with this token.

        Raises:
            NotFound: playback_id_not_found; never made, revoked, or its asset was deleted.
            Unauthenticated: playback_token_missing.
            Forbidden: playback_token_invalid.
        """
        async with self._database.gate() as gate:
            row = await gate.get(PlaybackId, playback_id)
        if row is None or row.revoked_at is not None:
            raise _not_found()
        if row.policy is PlaybackPolicy.PUBLIC:
            token, until = None, shared_expiry(utc_now(), self._public_lasts)
        else:
            until = self._tokens.check(playback_id, token)
        async with self._database.project(row.project_id) as tx:
            asset = await tx.get(Asset, row.asset_id)
            if asset is None or asset.state in _GONE:
                raise _not_found()
            return Viewing(
                playback_id=row.id,
                project_id=row.project_id,
                policy=row.policy,
                opened_until=until,
                token=token,
                asset_id=asset.id,
                title=asset.title,
                state=asset.state,
                error_message=asset.error_message,
                media_prefix=asset.media_prefix,
                duration_ms=asset.duration_ms,
                width=asset.width,
                height=asset.height,
                progress=1.0 if asset.media_prefix else await _progress(tx, asset.id),
                images=await _images(tx, asset.id),
            )

    async def thumbnail(self, viewing: Viewing, time_ms: int) -> PublishedImage | None:
        """The thumbnail nearest to a time; None for an asset that has none."""
        async with self._database.project(viewing.project_id) as tx:
            image = await thumbnail_near(tx, viewing.asset_id, time_ms)
        if image is None:
            return None
        return PublishedImage(image.kind, image.object_key, image.content_type)


async def _images(tx: AsyncSession, asset_id: str) -> tuple[PublishedImage, ...]:
    query = (
        select(Image.kind, Image.object_key, Image.content_type)
        .where(Image.asset_id == asset_id, Image.kind != ImageKind.THUMBNAIL)
        .order_by(Image.id)
    )
    return tuple(PublishedImage(*row) for row in await tx.execute(query))


async def _progress(tx: AsyncSession, asset_id: str) -> float:
    weight = case((Task.kind == "encode", _ENCODE_WEIGHT), else_=1)
    done = case((Task.state == TaskState.SUCCEEDED, 1.0), else_=Task.progress)
    query = select(func.sum(weight * done) / func.sum(weight)).where(Task.asset_id == asset_id)
    return round(float(await tx.scalar(query) or 0.0), 3)


def _not_found() -> NotFound:
    return NotFound("playback_id_not_found", "There is no such video, or it is no longer shared.")
