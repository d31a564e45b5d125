"""Role and project come with BEGIN, and go with the transaction whatever happens to it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.db.entrance import EnteringConnection

_WHO = text("SELECT current_user::text, coalesce(current_setting('spool.project_id', true), '')")


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[Database]:
    """A pool of one connection, so that whoever comes next gets the same one."""
    opened = Database(database_url, pool_size=1)
    opened.engine.pool._max_overflow = 0  # type: ignore[attr-defined]  # exactly one connection
    yield opened
    await opened.close()


async def _who(tx: Any) -> tuple[str, str]:
    return tuple((await tx.execute(_WHO)).one())


async def test_a_transaction_that_says_nothing_leaves_nothing_to_the_next(
    single: Database,
) -> None:
    async with single.project("prj_one"):
        pass
    async with single.connection() as connection:
        assert await _who(connection) == ("spool_login", "")


async def test_a_role_that_may_not_be_taken_ends_with_its_transaction(single: Database) -> None:
    with pytest.raises(DBAPIError):
        async with single._transaction("spool_owner", "prj_one") as tx:
            await _who(tx)
    async with single.project("prj_two") as tx:
        assert await _who(tx) == ("spool_app", "prj_two")


async def test_what_is_only_added_is_written_under_the_role(
    single: Database, project_id: str
) -> None:
    async with single.project(project_id) as tx:
        tx.add(Asset(id="ast_one", project_id=project_id, title="A clip", state=AssetState.CREATED))
    async with single.project(project_id) as tx:
        assert await tx.get(Asset, "ast_one") is not None


async def test_it_takes_one_message_to_begin_and_one_to_commit(single: Database) -> None:
    said: list[str] = []
    async with single.connection() as connection:
        driver = _driver(connection)
        driver.add_query_logger(lambda query: said.append(query.query))
    async with single.project("prj_one") as tx:
        await _who(tx)
    assert said == [
        "BEGIN; SET LOCAL role TO spool_app; SET LOCAL spool.project_id TO 'prj_one'",
        "COMMIT",
    ]


async def test_another_isolation_level_is_refused_and_not_ignored(single: Database) -> None:
    async with single.connection() as connection:
        with pytest.raises(ValueError, match="serializable"):
            _driver(connection).transaction(isolation="serializable")


async def test_a_connection_whose_driver_is_lost_in_the_protocol_is_replaced(
    single: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with single.connection() as connection:
        lost = _driver(connection).get_server_pid()

    async def prepare(*_: object, **__: object) -> None:
        raise InternalClientError("cannot switch to state 11; another operation (2) is in progress")

    with monkeypatch.context() as patch:
        patch.setattr(EnteringConnection, "prepare", prepare)
        with pytest.raises(DBAPIError):
            async with single.project("prj_one") as tx:
                await _who(tx)
    async with single.connection() as connection:
        assert _driver(connection).get_server_pid() != lost


def _driver(connection: Any) -> EnteringConnection:
    driver = connection.sync_connection.connection.driver_connection
    assert isinstance(driver, EnteringConnection)
    return driver
