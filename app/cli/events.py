"""`spool events`, for who runs Spool: deliveries of all its projects that were given up."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.cli.deployment import dispatched, of_all_projects, settings_here, show_plainly
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago
from app.notifications import deliveries
from app.notifications.models import DeliveryState

_COLUMNS = ("event", "type", "project", "channel", "target", "attempts", "given up", "error")


def dead(*, limit: int, as_json: bool) -> None:
    found = of_all_projects(
        settings_here(),
        deliveries.projects_with_dead,
        lambda tx, most, cursor: deliveries.list_deliveries(
            tx, state=DeliveryState.DEAD, limit=most, cursor=cursor
        ),
        limit,
    )
    if show_plainly(found, nothing="Nothing was given up.", as_json=as_json):
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
    count = dispatched(settings_here(), lambda tx: deliveries.redeliver(tx, event_ids or None))
    if as_json:
        show_json({"redelivered": count})
    else:
        waiting = "1 delivery waits" if count == 1 else f"{count} deliveries wait"
        line(results(), f"{waiting} to be sent again.")


def forget(event_ids: Sequence[str], *, as_json: bool) -> None:
    count = dispatched(settings_here(), lambda tx: deliveries.forget(tx, event_ids))
    if as_json:
        show_json({"forgotten": count})
    else:
        gone = "1 delivery is" if count == 1 else f"{count} deliveries are"
        line(results(), f"{gone} forgotten.")
