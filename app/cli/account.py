"""The first account of a Spool on one machine: registered like any, and kept for next time."""

import secrets
import time
from pathlib import Path

from app.cli.api import Api
from app.cli.errors import CommandFailed, Refused
from app.local.state_folder import read_json, write_private

_KEY_NAME = "command line"


def ensure_account(server: str, file: Path, *, patience: float) -> tuple[str, bool]:
    """The API key of the account in a file; registers one where that account is not known.

    Args:
        file: `account.json` of the state folder, mode 0600.

    Returns:
        The key, and whether it is new.

    Raises:
        Unreachable, Refused: the server is away or takes no registrations.
    """
    kept = read_json(file)
    if kept is not None and _works(server, kept["api_key"], patience):
        return kept["api_key"], False
    if kept is not None:
        # Another database. The old key may be wanted again with the old one.
        file.rename(file.with_name(f"{file.stem}.{int(time.time())}{file.suffix}"))
    email = f"first-{secrets.token_hex(4)}@spool.localhost"
    password = secrets.token_urlsafe(18)
    with Api(server, None, patience=patience) as api:
        registration = {"email": email, "password": password, "name": "First account"}
        session = api.post("/v1/auth/register", registration, once=secrets.token_hex(16))
    with Api(server, session["access_token"], patience=patience) as api:
        scopes = api.get("/v1/me")["scopes"]
        request = {"name": _KEY_NAME, "scopes": scopes}
        key = api.post("/v1/api-keys", request, once=secrets.token_hex(16))
    if "key" not in key:
        raise CommandFailed("The server made no API key.")
    content = {
        "server": server,
        "email": email,
        "password": password,
        "project_id": session["project"]["id"],
        "api_key_id": key["id"],
        "api_key": key["key"],
    }
    write_private(file, content)
    text: str = key["key"]
    return text, True


def _works(server: str, key: str, patience: float) -> bool:
    try:
        with Api(server, key, patience=patience) as api:
            api.get("/v1/me")
    except Refused as error:
        if error.status in {401, 403, 404}:
            return False
        raise
    return True
