"""Migrations from Python: `python -m migrations.run` brings the database to the newest schema."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config

from app.settings import load_settings
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


if __name__ == "__main__":
    _settings = load_settings()
    _app_url = _settings.database_url.get_secret_value()
    asyncio.run(ensure_login(_settings.owner_database_url, _app_url))
    upgrade(_settings.owner_database_url, app_login=_settings.database_login)
