"""`spool events`, for who runs Spool: deliveries of all its projects that were given up."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from app.cli.deployment import in_database, settings_here
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago
from app.foundation.db.database import Database
from app.foundation.paging import LIMIT_MAX
from app.notifications import deliveries
from app.notifications.models import DeliveryState
from app.notifications.schemas import DeliveryView

_COLUMNS = ("event", "type", "project", "channel", "target", "attempts", "given up", "error")


def dead(*, limit: int, as_json: bool) -> None:
    found = in_database(settings_here(), lambda database: _dead(database, limit))
    if as_json:
        items = [{"project_id": project, **msgspec.to_builtins(view)} for project, view in found]
        show_json({"items": items})
        return
    if not found:
        line(notes(), "Nothing was given up.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            view.event_id,
            view.type,
            project_id,
            view.channel,
            view.target or NONE,
            str(view.attempts),
            ago(view.finished_at.isoformat() if view.finished_at else None, now),
            view.error or "",
        )
        for project_id, view in found
    ]
    table(results(), _COLUMNS, rows)
    line(notes(), f"Send them again: {called_as()} events redeliver [EVENT …]")


def redeliver(event_ids: Sequence[str], *, as_json: bool) -> None:
    async def run(database: Database) -> int:
        async with database.dispatch() as tx:
            return await deliveries.redeliver(tx, event_ids or None)

    count = in_database(settings_here(), run)
    if as_json:
        show_json({"redelivered": count})
    else:
        waiting = "1 delivery waits" if count == 1 else f"{count} deliveries wait"
        line(results(), f"{waiting} to be sent again.")


async def _dead(database: Database, limit: int) -> list[tuple[str, DeliveryView]]:
    """With the project of each, whose own role alone may read why."""
    async with database.dispatch() as tx:
        project_ids = await deliveries.projects_with_dead(tx)
    found: list[tuple[str, DeliveryView]] = []
    for project_id in project_ids:
        cursor: str | None = None
        while len(found) < limit:
            async with database.project(project_id) as tx:
                page = await deliveries.list_deliveries(
                    tx,
                    state=DeliveryState.DEAD,
                    limit=min(limit - len(found), LIMIT_MAX),
                    cursor=cursor,
                )
            found += [(project_id, view) for view in page.items]
            if (cursor := page.next_cursor) is None:
                break
    return found
