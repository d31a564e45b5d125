"""The quick check of the schema agrees with Alembic's slow one."""

import json
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.local.postgres import LocalPostgres
from app.local.schema import MigrationFailed, migrate, newest_revision
from migrations.run import alembic_config, downgrade
from tests.conftest import database_of


def test_the_newest_revision_is_the_head() -> None:
    scripts = ScriptDirectory.from_config(alembic_config("postgresql+asyncpg://nobody"))
    assert newest_revision() == scripts.get_current_head()


def test_it_migrates_when_it_has_to(
    postgres: LocalPostgres, database_name: str, tmp_path: Path
) -> None:
    owner = database_of(postgres.owner_url, database_name)
    settings = {
        "SPOOL_DATABASE_URL": database_of(postgres.app_url, database_name),
        "SPOOL_MIGRATION_DATABASE_URL": owner,
        "SPOOL_SIGNING_KEYS": json.dumps({"test": "a key for tests only, long enough to be one"}),
        "SPOOL_SIGNING_KEY_ID": "test",
        "SPOOL_STORE_ROOT": str(tmp_path),
    }
    assert migrate(owner, settings) is False
    downgrade(owner, "base")
    assert migrate(owner, settings) is True
    assert migrate(owner, settings) is False


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://nobody@127.0.0.1:9/spool", "mysql://127.0.0.1/spool"]
)
def test_a_database_that_is_not_there(url: str) -> None:
    with pytest.raises(MigrationFailed, match="does not answer"):
        migrate(url, {})
