"""What a mail says, read from the rows of its project when it is about to be sent."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailWish, Member, Project, User
from app.assets.models import Asset, AssetState
from app.notifications.channels import Delivery
from app.notifications.mail.letter import Facts
from app.playback.models import PlaybackId, PlaybackPolicy

_GONE = frozenset({AssetState.DELETING, AssetState.DELETED})
# Of a project and a person.
Unsubscribe = Callable[[str, str], str]


async def read_facts(
    tx: AsyncSession, delivery: Delivery, *, public_url: str, unsubscribe: Unsubscribe
) -> Facts | None:
    """The facts; None when the person or the video has gone since, or mail is not wanted."""
    event, user_id = delivery.event, delivery.row.target
    found = (
        await tx.execute(
            select(User.name, User.email, Member.mail, Project.name.label("project"), Asset)
            .join(Member, Member.user_id == User.id)
            .join(Project, Project.id == Member.project_id)
            .join(Asset, Asset.id == event.asset_id)
            .where(User.id == user_id)
        )
    ).one_or_none()
    if found is None or found.mail == MailWish.NONE or found.Asset.state in _GONE:
        return None
    asset: Asset = found.Asset
    error = event.data.get("error") or {}
    return Facts(
        event_id=event.id,
        type=event.type,
        user_id=user_id,
        name=found.name,
        email=found.email,
        project=found.project,
        asset_id=asset.id,
        title=asset.title,
        occurred_at=event.created_at,
        why=_why(found.mail, own=asset.created_by == user_id),
        unsubscribe_url=unsubscribe(event.project_id, user_id),
        watch_url=await _watch_url(tx, asset.id, public_url),
        duration=_clock(asset.duration_ms),
        heights=tuple(str(name) for name in event.data.get("renditions", ())),
        error_code=error.get("code"),
        error_message=error.get("message"),
    )


def _why(wish: MailWish, *, own: bool) -> str:
    if own:
        return "you uploaded this video"
    if wish == MailWish.ALL:
        return "you asked for mail about every video of the project"
    return "you own the project that this video was uploaded to"


async def _watch_url(tx: AsyncSession, asset_id: str, public_url: str) -> str | None:
    """Of its oldest public playback id.

    A signed one opens with a token only, and mail is passed on: it carries none.
    """
    playback_id = await tx.scalar(
        select(PlaybackId.id)
        .where(
            PlaybackId.asset_id == asset_id,
            PlaybackId.policy == PlaybackPolicy.PUBLIC,
            PlaybackId.revoked_at.is_(None),
        )
        .order_by(PlaybackId.created_at, PlaybackId.id)
        .limit(1)
    )
    return None if playback_id is None else f"{public_url}/watch/{playback_id}"


def _clock(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
