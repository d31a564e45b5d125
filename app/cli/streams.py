"""`spool streams`."""

from datetime import UTC, datetime

from app.cli.api import Api
from app.cli.config import Config
from app.cli.screen import line, notes, results, show_json, table
from app.cli.words import NONE, ago, of_bytes

_COLUMNS = ("stream id", "state", "begun", "size", "asset", "error")


def list_streams(config: Config, *, state: str | None, limit: int, as_json: bool) -> None:
    with Api.of(config) as api:
        found = api.items("/v1/streams", limit, state=state)
    if as_json:
        show_json({"items": found})
        return
    if not found:
        line(notes(), "No streams.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            stream["stream_id"],
            stream["state"],
            ago(stream["created_at"], now),
            of_bytes(stream["size_bytes"]),
            stream["asset_id"] or NONE,
            (stream["error"] or {}).get("message", ""),
        )
        for stream in found
    ]
    table(results(), _COLUMNS, rows)
