"""The app's login: made where it is missing, and given the password that its URL has.

Where one who runs the database makes it, nothing is done here. On AWS nobody does, and the password
comes from Secrets Manager.
"""

import base64
import hashlib
import hmac
import secrets

import asyncpg
from sqlalchemy import make_url

from app.foundation.db.driver_url import driver_url

_ITERATIONS = 4096


async def ensure_login(owner_url: str, app_url: str) -> None:
    """Lets the login of `app_url` in, on the server of `owner_url`.

    Args:
        owner_url: `postgresql+asyncpg://…` of the owner, who may create roles.
        app_url: The app's; its host may be a proxy, which is not asked.

    Raises:
        asyncpg.PostgresError: the owner may not, or the server refuses otherwise.
    """
    owner, app = make_url(owner_url), make_url(app_url)
    if app.username in (None, owner.username) or app.password is None:
        return
    if await _is_let_in(driver_url(owner.set(username=app.username, password=app.password))):
        return
    name = app.username.replace('"', '""')
    connection = await asyncpg.connect(driver_url(owner), timeout=10)
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", app.username)
        verb = "ALTER" if known else "CREATE"
        await connection.execute(
            f"{verb} ROLE \"{name}\" LOGIN NOINHERIT PASSWORD '{scram_verifier(str(app.password))}'"
        )
    finally:
        await connection.close()


async def _is_let_in(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    await connection.close()
    return True


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803): no log ever sees the password itself.

    Args:
        password: Of ASCII, which needs no SASLprep.

    Raises:
        ValueError: it has other characters.
    """
    if not password.isascii():
        raise ValueError("a password that is set here must be of ASCII characters")
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{text[0]}${text[1]}:{text[2]}"
