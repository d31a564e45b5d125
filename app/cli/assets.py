"""`spool assets` and `spool open`."""

from datetime import UTC, datetime

import typer

from app.cli.api import Api
from app.cli.config import Config
from app.cli.errors import CommandFailed
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago, of_bytes, of_duration


def list_assets(
    config: Config, *, state: str | None, search: str | None, limit: int, as_json: bool
) -> None:
    with Api.of(config) as api:
        found = api.items("/v1/assets", limit, state=state, q=search)
    if as_json:
        show_json({"items": found})
        return
    if not found:
        line(notes(), f"No videos{' like that' if state or search else ' yet'}.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            asset["id"],
            asset["state"],
            of_duration(asset["duration_ms"]),
            f"{asset['width']}x{asset['height']}" if asset["height"] else NONE,
            of_bytes(asset["source_bytes"]),
            ago(asset["created_at"], now),
            asset["title"],
        )
        for asset in found
    ]
    table(results(), ("id", "state", "length", "picture", "size", "made", "title"), rows)


def open_asset(config: Config, asset_id: str, *, as_json: bool) -> None:
    """Raises: CommandFailed, when the video cannot be played."""
    with Api.of(config) as api:
        asset = api.get(f"/v1/assets/{asset_id}")
        if not asset["playback_ids"]:
            raise CommandFailed(f"{asset_id} has no playback id.")
        link = asset["playback_ids"][0]
        url = link["urls"]["watch"]
        if link["policy"] == "signed":
            token = api.post(f"/v1/playback-ids/{link['id']}/tokens", {})
            url = token["urls"]["watch"]
    if as_json:
        show_json({"asset_id": asset_id, "state": asset["state"], "watch_url": url})
        return
    if asset["state"] == "failed":
        raise CommandFailed(
            f"The video could not be processed: {asset['error']['message']}",
            f"More: {called_as()} show {asset_id}",
        )
    line(results(), url)
    typer.launch(url)
