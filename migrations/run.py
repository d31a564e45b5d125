"""Migrations from Python: `python -m migrations.run` brings the database to the newest schema.

A schema that is newer than this code stays as it is: see `migrations/compatibility.py`.
"""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.settings import Settings, load_settings
from migrations.compatibility import SchemaTooNew, is_newer
from migrations.login import ensure_login

_ROOT = Path(__file__).resolve().parent.parent


def alembic_config(url: str, *, app_login: str | None = None) -> Config:
    """Alembic's configuration for a database.

    Args:
        url: `postgresql+asyncpg://…` of the owner of the schema.
        app_login: The login that is granted the app's roles; the owner itself when None.
    """
    config = Config(toml_file=str(_ROOT / "pyproject.toml"))
    config.attributes["url"] = url
    config.attributes["app_login"] = app_login
    return config


def upgrade(url: str, *, app_login: str | None = None, revision: str = "head") -> None:
    command.upgrade(alembic_config(url, app_login=app_login), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(alembic_config(url), revision)


def newest_revision() -> str:
    """Of this code."""
    newest = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    if newest is None:
        raise RuntimeError("there are no migrations")
    return newest


def main(settings: Settings) -> None:
    """Makes the app's login and the newest schema, both where they are not there.

    Raises:
        SchemaTooNew: the schema is newer, and not good for this code.
    """
    url = settings.owner_database_url
    asyncio.run(ensure_login(url, settings.database_url.get_secret_value()))
    if asyncio.run(is_newer(url, newest_revision())):
        sys.stderr.write("The schema is newer than this code and good for it: left as it is.\n")
        return
    upgrade(url, app_login=settings.database_login)


if __name__ == "__main__":
    try:
        main(load_settings())
    except SchemaTooNew as refused:
        sys.exit(str(refused))
