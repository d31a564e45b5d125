"""What has to leave the system, written with the event itself: one statement, one commit.

Which channels there are is the deployment's affair. The composition root says it to its `Database`,
which hands it to every session; a service that publishes asks nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Insert, Text, and_, exists, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.models import MailWish, Member, Role
from app.assets.models import Asset
from app.foundation.db.base import Words
from app.foundation.telemetry.correlation import current_traceparent
from app.notifications.models import ChannelName, Origin, OutboxRow

INFO = "outlets"
# Of what people are told. What programs are told is everything.
MAILED = frozenset({"asset.ready", "asset.failed"})


@dataclass(frozen=True, slots=True)
class Outlets:
    """The ways out that a process writes for. Webhooks get theirs when there are endpoints.

    Args:
        origin: Which kind of process this is.
        topic: Events go to a topic.
        mail: People are sent mail.
    """

    origin: Origin
    topic: bool = False
    mail: bool = False

    @property
    def info(self) -> dict[str, Any]:
        """For `Database(info=…)`."""
        return {INFO: self}


def outlets_of(tx: AsyncSession) -> Outlets | None:
    """What this session's process writes for; None where nobody said."""
    found: Outlets | None = tx.info.get(INFO)
    return found


def outbox_inserts(
    outlets: Outlets,
    *,
    event_id: str,
    project_id: str,
    asset_id: str | None,
    type: str,  # noqa: A002  # the event's own word for it
    correlation_id: str,
) -> Sequence[Insert]:
    """The statements that put an event into the outbox, to be run with the event's own.

    The foreign key to the event is looked at when the whole statement has ended.
    """
    values: dict[str, ColumnElement[Any]] = {
        "event_id": literal(event_id),
        "project_id": literal(project_id),
        "asset_id": literal(asset_id, Text),
        "origin": literal(outlets.origin, Words(Origin)),
        "correlation_id": literal(correlation_id),
        "traceparent": literal(current_traceparent(), Text),
    }

    def rows(channel: ChannelName, target: Any) -> Any:
        return select(
            *values.values(), literal(channel, Words(ChannelName)).label("channel"), target
        )

    def insertion(found: Any) -> Insert:
        return insert(OutboxRow).from_select([*values, "channel", "target"], found)

    inserts = []
    if outlets.topic:
        inserts.append(insertion(rows(ChannelName.TOPIC, literal(""))))
    if outlets.mail and type in MAILED:
        mail = rows(ChannelName.MAIL, Member.user_id).where(
            Member.project_id == project_id, _wants_mail(asset_id)
        )
        inserts.append(insertion(mail))
    return inserts


def _wants_mail(asset_id: str | None) -> ColumnElement[bool]:
    """A member who wants mail of this asset, by his wish, and by who uploaded it."""
    sender = aliased(Member)
    mine = exists().where(Asset.id == asset_id, Asset.created_by == Member.user_id)
    # Whoever uploaded it may have left the project since.
    somebodys = exists().where(
        Asset.id == asset_id,
        sender.project_id == Asset.project_id,
        sender.user_id == Asset.created_by,
    )
    nobodys = and_(Member.role == Role.OWNER, ~somebodys)
    return or_(Member.mail == MailWish.ALL, and_(Member.mail == MailWish.OWN, or_(mine, nobodys)))
