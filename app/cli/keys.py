"""`spool keys`."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from app.cli.api import Api
from app.cli.config import Config
from app.cli.screen import line, notes, results, show_json, table
from app.cli.words import ago


def list_keys(config: Config, *, limit: int, as_json: bool) -> None:
    with Api.of(config) as api:
        found = api.items("/v1/api-keys", limit)
    if as_json:
        show_json({"items": found})
        return
    now = datetime.now(UTC)
    rows = [
        (
            key["id"],
            key["name"],
            key["hint"],
            "revoked" if key["revoked_at"] else "valid",
            ago(key["last_used_at"], now),
            " ".join(key["scopes"]),
        )
        for key in found
    ]
    table(results(), ("id", "name", "begins", "state", "last used", "scopes"), rows)


def create_key(config: Config, name: str, scopes: Sequence[str], *, as_json: bool) -> None:
    with Api.of(config) as api:
        wanted = list(scopes) or api.get("/v1/me")["scopes"]
        key = api.post("/v1/api-keys", {"name": name, "scopes": wanted}, once=str(uuid.uuid4()))
    if as_json:
        show_json(key)
        return
    line(notes(), f"Made {key['id']}. This is the only time its text is shown:")
    line(results(), key["key"])


def revoke_key(config: Config, key_id: str, *, as_json: bool) -> None:
    with Api.of(config) as api:
        api.delete(f"/v1/api-keys/{key_id}")
    if as_json:
        show_json({"id": key_id, "revoked": True})
    else:
        line(results(), f"{key_id} stops working within 5 seconds.")
