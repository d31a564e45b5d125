"""`spool arrivals`, for who runs Spool: objects that landed in a bucket, of all its projects."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.cli.deployment import dispatched, of_all_projects, settings_here, show_plainly
from app.cli.errors import BadUsage
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago, of_bytes
from app.intake import arrivals, queries
from app.intake.models import ArrivalState

_COLUMNS = ("id", "state", "landed", "size", "asset", "object", "error")


def list_arrivals(*, state: str | None, limit: int, as_json: bool) -> None:
    """Raises: BadUsage, when there is no such state."""
    if state not in {None, *ArrivalState}:
        raise BadUsage(f"There is no state {state}.", f"There are: {', '.join(ArrivalState)}")
    wanted = ArrivalState(state) if state else None
    found = of_all_projects(
        settings_here(),
        lambda tx: queries.projects_with_arrivals(tx, wanted),
        lambda tx, most, cursor: queries.list_arrivals(tx, state=wanted, limit=most, cursor=cursor),
        limit,
    )
    if show_plainly(found, nothing="No objects.", as_json=as_json):
        return
    now = datetime.now(UTC)
    rows = [
        (
            view.id,
            view.state,
            ago(view.created_at.isoformat(), now),
            of_bytes(view.size_bytes),
            view.asset_id or NONE,
            f"s3://{view.bucket}/{view.key}",
            view.error.message if view.error else "",
        )
        for _, view in found
    ]
    table(results(), _COLUMNS, rows)
    if any(view.state == ArrivalState.REFUSED for _, view in found):
        line(notes(), f"Take what was refused once more: {called_as()} arrivals retry [ID …]")


def retry(arrival_ids: Sequence[str], *, as_json: bool) -> None:
    count = dispatched(settings_here(), lambda tx: arrivals.retry(tx, arrival_ids or None))
    if as_json:
        show_json({"retried": count})
    else:
        taken = "1 object is" if count == 1 else f"{count} objects are"
        line(results(), f"{taken} taken once more.")
