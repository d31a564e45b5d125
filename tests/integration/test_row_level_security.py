"""With every filter of the app removed, no row leaks.

The statements here name no project. What they see is what the database lets them see.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import ARRAY, DateTime, Table, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.foundation.clock import utc_now
from app.foundation.db.base import Words
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.local.postgres import LocalPostgres
from app.tables import metadata
from tests.conftest import add_project, database_of

OWNED = sorted(name for name, table in metadata.tables.items() if "project_id" in table.c)
# A session's project is where the next tokens are for; the row belongs to a person.
OWNED.remove("refresh_tokens")
SQLSTATE_DENIED = "42501"


async def fill(connection: AsyncConnection, project_id: str) -> None:
    """One row in every table of a project, in the order that foreign keys ask for."""
    user_id = new_id("usr")
    await connection.execute(
        text("INSERT INTO users (id, email, name, password_hash) VALUES (:id, :id, :id, 'x')"),
        {"id": user_id},
    )
    made = {"users": user_id, "projects": project_id}
    for table in metadata.sorted_tables:
        if table.name in OWNED:
            row = _row(table, made, project_id)
            await connection.execute(insert(table).values(row))
            made[table.name] = row.get("id", "")


def _row(table: Table, made: dict[str, str], project_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        reference = next(iter(column.foreign_keys), None)
        if column.name == "project_id":
            row[column.name] = project_id
        elif column.computed is not None or (column.nullable and reference is None):
            continue
        elif reference is not None:
            row[column.name] = made.get(reference.column.table.name)
        elif column.server_default is None:
            row[column.name] = _value(column.type, column.name)
    return row


def _value(kind: Any, name: str) -> Any:
    if isinstance(kind, JSONB):
        return {}
    if isinstance(kind, ARRAY):
        return []
    if isinstance(kind, DateTime):
        return utc_now()
    if isinstance(kind, Words):
        words: Any = kind.words
        return next(iter(words))
    return {int: 1, float: 1.0, bool: False, bytes: b"x", str: new_id(name[:3])}[kind.python_type]


@pytest.fixture
async def superuser(postgres: LocalPostgres, database_name: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(database_of(postgres.admin_url(), database_name))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def projects(database: Database, superuser: AsyncConnection) -> tuple[str, str]:
    """Two projects with a row in every table."""
    made = (await add_project(database, "One"), await add_project(database, "Two"))
    for project_id in made:
        await fill(superuser, project_id)
    await superuser.commit()
    return made


async def test_every_table_of_a_project_is_known_and_forced(superuser: AsyncConnection) -> None:
    found = await superuser.execute(
        text(
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id' "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
        )
    )
    rows = {name: (enabled, forced) for name, enabled, forced in found}
    assert set(OWNED) <= set(rows)
    assert rows == dict.fromkeys(rows, (True, True))


async def test_a_project_sees_and_changes_its_own_rows_only(
    database: Database, projects: tuple[str, str]
) -> None:
    mine, theirs = projects
    for table in OWNED:
        async with database.project(mine) as tx:
            seen = await tx.execute(text(f"SELECT project_id FROM {table}"))
            assert set(seen.scalars()) == {mine}, table
            # Moving a row to another project is refused, not only hidden.
            with pytest.raises(DBAPIError) as refused:
                async with tx.begin_nested():
                    await tx.execute(text(f"UPDATE {table} SET project_id = '{theirs}'"))
            assert getattr(refused.value.orig, "sqlstate", "") == SQLSTATE_DENIED, table


async def test_deleting_everything_deletes_ones_own(
    database: Database, projects: tuple[str, str]
) -> None:
    mine, theirs = projects
    async with database.project(mine) as tx:
        for table in OWNED:
            await tx.execute(text(f"DELETE FROM {table}"))
    for table in OWNED:
        for project_id, rows in ((mine, 0), (theirs, 1)):
            async with database.project(project_id) as tx:
                left = (await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
                assert left == rows, table


async def test_people_and_organisations_of_others_are_not_there(
    database: Database, projects: tuple[str, str]
) -> None:
    async with database.project(projects[0]) as tx:
        assert (await tx.execute(text("SELECT count(*) FROM projects"))).scalar_one() == 1
        assert (await tx.execute(text("SELECT count(*) FROM organisations"))).scalar_one() == 1
        assert (await tx.execute(text("SELECT count(email) FROM users"))).scalar_one() == 1


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("project", "SELECT password_hash FROM users"),
        ("project", "SELECT token_hash FROM refresh_tokens"),
        ("project", "INSERT INTO projects (id, organisation_id, name) VALUES ('a', 'b', 'c')"),
        ("gate", "SELECT title FROM assets"),
        ("gate", "SELECT args FROM tasks"),
        ("gate", "UPDATE api_keys SET scopes = '{}'"),
        ("gate", "DELETE FROM members"),
        ("dispatch", "SELECT title FROM assets"),
        ("dispatch", "SELECT filename FROM uploads"),
        ("dispatch", "SELECT data FROM events"),
        ("dispatch", "SELECT email FROM users"),
        ("dispatch", "SELECT key_hash FROM api_keys"),
        ("dispatch", "SELECT body FROM idempotent_answers"),
        ("dispatch", "UPDATE tasks SET project_id = 'x'"),
        ("dispatch", "DELETE FROM tasks"),
        ("gate", "SELECT event_id FROM outbox"),
        ("dispatch", "SELECT last_error FROM outbox"),
        ("dispatch", "UPDATE outbox SET project_id = 'x'"),
        ("dispatch", "INSERT INTO outbox (event_id) VALUES ('x')"),
    ],
)
async def test_a_role_has_no_more_than_its_work_needs(
    database: Database, role: str, statement: str
) -> None:
    opened = {
        "project": lambda: database.project("prj_1"),
        "gate": database.gate,
        "dispatch": database.dispatch,
    }[role]
    with pytest.raises(ProgrammingError) as refused:
        async with opened() as tx:
            await tx.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", "") == SQLSTATE_DENIED


async def test_the_owner_is_held_too(owner_url: str, projects: tuple[str, str]) -> None:
    engine = create_async_engine(owner_url)
    try:
        async with engine.connect() as connection:
            for table in OWNED:
                seen = await connection.execute(text(f"SELECT count(*) FROM {table}"))
                assert seen.scalar_one() == 0, table
    finally:
        await engine.dispose()


async def test_the_login_alone_may_read_nothing(database: Database) -> None:
    for table in OWNED:
        with pytest.raises(ProgrammingError):
            async with database.connection() as connection:
                await connection.execute(text(f"SELECT 1 FROM {table}"))


async def test_a_pooled_connection_carries_nothing_over(
    database_url: str, projects: tuple[str, str]
) -> None:
    """One connection for all: after a commit, an error, a rollback, and a cancelled request."""
    one = Database(database_url, pool_size=1)
    one.engine.pool._max_overflow = 0  # type: ignore[attr-defined]  # exactly one connection
    try:
        for round_number in range(3):
            for project_id in projects:
                async with one.project(project_id) as tx:
                    assert await _seen(tx) == {project_id}
                await _fail(one, project_id)
                await _cancel(one, project_id)
                async with one.connection() as connection:
                    state = await connection.execute(
                        text(
                            "SELECT current_user = session_user, "
                            "coalesce(current_setting('spool.project_id', true), '')"
                        )
                    )
                    assert tuple(state.one()) == (True, ""), f"round {round_number}"
    finally:
        await one.close()


async def test_an_unknown_or_empty_project_sees_nothing(
    database: Database, projects: tuple[str, str]
) -> None:
    for project_id in ("", "prj_none", "'; RESET ROLE; --", "%"):
        async with database.project(project_id) as tx:
            assert await _seen(tx) == set()


async def _seen(tx: Any) -> set[str]:
    return set((await tx.execute(text("SELECT project_id FROM assets"))).scalars())


async def _fail(database: Database, project_id: str) -> None:
    with pytest.raises(DBAPIError):
        async with database.project(project_id) as tx:
            await tx.execute(text("SELECT 1 / 0"))


async def _cancel(database: Database, project_id: str) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with database.project(project_id) as tx:
            entered.set()
            await tx.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
