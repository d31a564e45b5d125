"""The app's login, as the migrations make it where nobody else has."""

from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from app.foundation.db.driver_url import driver_url
from app.foundation.db.ids import random_id
from app.local.postgres import LocalPostgres
from migrations.login import ensure_login, scram_verifier
from tests.conftest import run_sql


@pytest.fixture
def app_url(postgres: LocalPostgres, owner_url: str) -> Iterator[URL]:
    """Of a login that is not there, by way of a host that is not there."""
    name = f"login_{random_id(8)}"
    yield make_url(owner_url).set(username=name, password="of \"the' app", host="proxy.invalid")
    run_sql(postgres, f"DROP ROLE IF EXISTS {name}")


async def _enter(owner_url: str, app: URL) -> asyncpg.Connection:
    own = make_url(owner_url).set(username=app.username, password=app.password)
    return await asyncpg.connect(driver_url(own))


async def _ensure(owner_url: str, app: URL) -> None:
    await ensure_login(owner_url, app.render_as_string(hide_password=False))


async def test_it_is_made_with_its_password_and_nothing_else(owner_url: str, app_url: URL) -> None:
    await _ensure(owner_url, app_url)
    connection = await _enter(owner_url, app_url)
    try:
        role = await connection.fetchrow(
            "SELECT rolinherit, rolcreaterole, rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        assert tuple(role) == (False, False, False)
    finally:
        await connection.close()


async def test_it_is_given_a_new_password(owner_url: str, app_url: URL) -> None:
    await _ensure(owner_url, app_url)
    changed = app_url.set(password="another")
    await _ensure(owner_url, changed)
    await (await _enter(owner_url, changed)).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _enter(owner_url, app_url)


async def test_one_that_may_enter_is_left_alone(postgres: LocalPostgres, owner_url: str) -> None:
    """Whose owner may not make logins goes on as before: here the two are swapped."""
    app = make_url(postgres.app_url).set(database=make_url(owner_url).database)
    await _ensure(app.render_as_string(hide_password=False), make_url(owner_url))
    await _ensure(owner_url, make_url(owner_url))


async def test_an_owner_that_may_not_is_told(postgres: LocalPostgres, app_url: URL) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _ensure(postgres.app_url, app_url)


def test_only_ascii_has_one_verifier() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        scram_verifier("pässword")
