"""Migrations: up, down, up again, and equal to the models."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.local.postgres import LocalPostgres
from app.tables import metadata
from migrations.compatibility import OLDEST, SchemaTooNew
from migrations.run import alembic_config, downgrade, main, newest_revision, upgrade
from tests.conftest import database_of, make_settings, run_sql

T = TypeVar("T")
# PostgreSQL 18 keeps NOT NULL as named constraints too; Alembic leaves those to the server.
_CONSTRAINTS = text(
    "SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c "
    "WHERE c.connamespace = 'public'::regnamespace AND c.contype <> 'n' "
    "AND c.conrelid::regclass::text <> 'alembic_version'"
)
_INDEXES = text(
    "SELECT tablename, indexname FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)
_LEFT_OVER = text(
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relname NOT LIKE 'alembic_version%'"
)


def test_the_schema_is_that_of_the_models(owner_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, metadata))

    assert _on(owner_url, differences) == []


def test_every_constraint_and_index_is_named_by_the_convention(owner_url: str) -> None:
    prefixes = {"pk", "fk", "uq", "ck", "ix"}

    def misnamed(connection: Connection) -> list[tuple[str, str]]:
        found = [*connection.execute(_CONSTRAINTS), *connection.execute(_INDEXES)]
        assert found
        return [
            (table, name)
            for table, name in found
            if name.split("_", 1)[0] not in prefixes or not name[3:].startswith(table)
        ]

    assert _on(owner_url, misnamed) == []


def test_down_leaves_nothing_and_up_works_again(
    postgres: LocalPostgres, database_name: str, owner_url: str
) -> None:
    def left(connection: Connection) -> int:
        count: int = connection.execute(_LEFT_OVER).scalar_one()
        return count

    before = _on(owner_url, left)
    downgrade(owner_url, "base")
    assert _on(owner_url, left) == 0
    upgrade(owner_url, app_login="spool_login")
    assert _on(owner_url, left) == before > 0
    # The app's login can work with it.
    app_url = database_of(postgres.app_url, database_name)
    assert _on(app_url, lambda c: c.execute(text("SET ROLE spool_app")) is not None)


_REVISIONS = [
    step.revision for step in ScriptDirectory.from_config(alembic_config("")).walk_revisions()
]


@pytest.mark.parametrize("revision", _REVISIONS)
def test_each_step_goes_down_and_up(owner_url: str, revision: str) -> None:
    downgrade(owner_url, revision)
    downgrade(owner_url, "-1")
    upgrade(owner_url, app_login="spool_login", revision=revision)
    upgrade(owner_url, app_login="spool_login")


def test_pieces_of_videos_do_not_keep_the_schema_from_going_down(
    postgres: LocalPostgres, database_name: str, owner_url: str
) -> None:
    """They break a rule of the older schema, and row-level security hides them from the owner."""
    admin_url = database_of(postgres.admin_url(), database_name)

    def put_one(connection: Connection) -> None:
        connection.execute(text("INSERT INTO organisations (id, name) VALUES ('org_1', 'One')"))
        connection.execute(text("INSERT INTO projects VALUES ('prj_1', 'org_1', 'One')"))
        connection.execute(
            text(
                "INSERT INTO uploads (id, project_id, state, method, filename, content_type, "
                "size_bytes, part_bytes, object_key, deadline_at) VALUES ('upl_1', 'prj_1', "
                "'uploading', 'tus', 'a.mp4', 'video/mp4', 1, 1, 'a', now())"
            )
        )
        connection.commit()

    _on(admin_url, put_one)
    downgrade(owner_url, "0006")
    upgrade(owner_url, app_login="spool_login")


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("")).get_heads()) == 1


def test_older_code_leaves_a_newer_schema_that_is_good_for_it(
    owner_url: str, tmp_path: Path
) -> None:
    """As when an image is rolled back: its job must not fail, or nothing is rolled back."""
    settings = make_settings(owner_url, tmp_path, migration_database_url=owner_url)
    newest = newest_revision()
    assert newest >= OLDEST in _REVISIONS

    def newer(oldest: str) -> Callable[[Connection], None]:
        def pretend(connection: Connection) -> None:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(text(f"COMMENT ON TABLE alembic_version IS {oldest}"))
            connection.commit()

        return pretend

    _on(owner_url, newer(f"'{newest}'"))
    main(settings)
    for oldest in ("'9998'", "NULL"):
        _on(owner_url, newer(oldest))
        with pytest.raises(SchemaTooNew, match=f"this is code of {newest}"):
            main(settings)


def test_who_migrates_leaves_word_for_older_code(owner_url: str) -> None:
    """What it says is that of the newest code that was here."""

    def word(connection: Connection) -> str | None:
        found: str | None = connection.execute(
            text("SELECT obj_description('alembic_version'::regclass)")
        ).scalar_one()
        return found

    assert _on(owner_url, word) == OLDEST


def _on(url: str, work: Callable[[Connection], T]) -> T:
    async def run() -> T:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def test_an_owner_that_may_make_no_roles_is_told_what_an_administrator_does(
    postgres: LocalPostgres,
) -> None:
    """The roles are in the cluster already, for the database that other tests copy."""
    run_sql(postgres, "CREATE ROLE modest LOGIN NOINHERIT PASSWORD 'modest'")
    run_sql(postgres, "CREATE DATABASE modest OWNER modest")
    server = postgres.admin_url().partition("@")[2].partition("/")[0]
    url = f"postgresql+asyncpg://modest:modest@{server}/modest"
    try:
        with pytest.raises(DBAPIError, match="GRANT spool_app TO modest"):
            upgrade(url)
        run_sql(postgres, "GRANT spool_app, spool_gate, spool_dispatch TO modest")
        upgrade(url)
        upgrade(url)
    finally:
        run_sql(postgres, "DROP DATABASE modest WITH (FORCE)")
        run_sql(postgres, "DROP ROLE modest")
