"""The function that changes passwords, on a real PostgreSQL and with Secrets Manager's protocol."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pg8000.exceptions
import pytest
from sqlalchemy import make_url

from app.foundation.db.ids import random_id
from app.local.postgres import LocalPostgres
from infra.ground.rotation.handler import Place, Rotation, handle
from infra.ground.rotation.logins import Credentials, Server
from infra.ground.rotation_function import code
from tests.conftest import run_sql
from tests.servers.postgres_tls import signed_by, tls_only

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@pytest.fixture
def client(moto_url: str, aws_credentials: None) -> Any:
    return boto3.client("secretsmanager", endpoint_url=moto_url, region_name="us-east-1")


@pytest.fixture
async def server(
    postgres: LocalPostgres, database_name: str, tmp_path: Path
) -> AsyncIterator[Server]:
    authority = signed_by(tmp_path, "authority")
    async with tls_only(postgres.port, authority.context) as port:
        yield Server("localhost", port, database_name, authority.pem)


@pytest.fixture
def owner(postgres: LocalPostgres) -> Credentials:
    url = make_url(postgres.owner_url)
    return Credentials(str(url.username), str(url.password))


@pytest.fixture
def login(postgres: LocalPostgres) -> Iterator[Credentials]:
    """A login as the migrations make it, and room for its twin."""
    name = f"login_{random_id(8)}"
    run_sql(postgres, f"CREATE ROLE {name} LOGIN NOINHERIT PASSWORD 'first'")
    run_sql(postgres, f"GRANT spool_app, spool_gate TO {name}")
    # As whoever makes a login may change it, and nobody else.
    run_sql(postgres, f"GRANT {name} TO spool_owner WITH ADMIN OPTION")
    yield Credentials(name, "first")
    run_sql(postgres, f"DROP ROLE {name}")
    run_sql(postgres, f"DROP ROLE IF EXISTS {name}_clone")


def _keep(client: Any, held: Credentials) -> str:
    return str(client.create_secret(Name=random_id(), SecretString=held.text())["ARN"])


def _held(client: Any, secret: str, stage: str = "AWSCURRENT") -> Credentials:
    answer = client.get_secret_value(SecretId=secret, VersionStage=stage)
    return Credentials.of(answer["SecretString"])


async def _rotate(
    client: Any, place: Place, secret: str, steps: tuple[str, ...] = _STEPS
) -> Rotation:
    rotation = Rotation(client, place, secret, str(uuid4()))
    for step in steps:
        # The server answers in this thread.
        await asyncio.to_thread(rotation.step, step)
    return rotation


async def _lets_in(server: Server, login: Credentials) -> bool:
    return await asyncio.to_thread(server.lets_in, login)


async def test_the_apps_logins_take_turns(
    client: Any, server: Server, owner: Credentials, login: Credentials
) -> None:
    app = _keep(client, login)
    place = Place(server, _keep(client, owner), {})
    await _rotate(client, place, app)
    twin = _held(client, app)
    assert twin.username == f"{login.username}_clone"
    assert await _lets_in(server, twin)
    assert await _lets_in(server, login), "who holds the old credentials goes on"
    await _rotate(client, place, app)
    assert _held(client, app).username == login.username
    assert await _lets_in(server, _held(client, app))
    assert await _lets_in(server, twin)
    assert not await _lets_in(server, login)


async def test_a_twin_may_take_the_same_roles_and_no_others(
    client: Any, server: Server, owner: Credentials, login: Credentials
) -> None:
    app = _keep(client, login)
    await _rotate(client, Place(server, _keep(client, owner), {}), app)

    def roles() -> Any:
        with server.connection(_held(client, app)) as connection:
            connection.run("SET ROLE spool_app")
            connection.run("RESET ROLE")
            return connection.run(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE 'spool_%'"
                " AND pg_has_role(current_user, oid, 'MEMBER') ORDER BY 1"
            )

    assert await asyncio.to_thread(roles) == [["spool_app"], ["spool_gate"]]


async def test_a_proxy_is_told_of_both_logins(
    client: Any, server: Server, owner: Credentials, login: Credentials
) -> None:
    app = _keep(client, login)
    known = {
        name: _keep(client, Credentials(name, "unknown"))
        for name in (login.username, f"{login.username}_clone")
    }
    await _rotate(client, Place(server, _keep(client, owner), known), app)
    assert _held(client, known[f"{login.username}_clone"]) == _held(client, app)
    assert _held(client, known[login.username]).password == "unknown"


async def test_the_owner_changes_its_own_password(
    client: Any, server: Server, login: Credentials
) -> None:
    """Any login may: the one of this test is an owner with nothing to own."""
    secret = _keep(client, login)
    place = Place(server, secret, {})
    await _rotate(client, place, secret, (*_STEPS[:2], *_STEPS[:2], *_STEPS[2:]))
    assert _held(client, secret).username == login.username
    assert await _lets_in(server, _held(client, secret))
    assert not await _lets_in(server, login)
    assert _held(client, secret, "AWSPREVIOUS") == login


async def test_steps_come_again_after_any_of_them_broke_off(
    client: Any, server: Server, owner: Credentials, login: Credentials
) -> None:
    app = _keep(client, login)
    place = Place(server, _keep(client, owner), {})
    rotation = await _rotate(client, place, app, _STEPS[:2])
    pending = _held(client, app, "AWSPENDING")
    for step in (*_STEPS, *_STEPS):
        await asyncio.to_thread(rotation.step, step)
    assert _held(client, app) == pending


async def test_a_password_that_does_not_work_never_becomes_the_current_one(
    client: Any, server: Server, owner: Credentials, login: Credentials
) -> None:
    app = _keep(client, login)
    place = Place(server, _keep(client, owner), {})
    rotation = await _rotate(client, place, app, ("createSecret",))
    with pytest.raises(pg8000.exceptions.DatabaseError):
        await asyncio.to_thread(rotation.step, "testSecret")
    assert _held(client, app) == login


async def test_the_function_is_told_by_its_environment(
    client: Any, moto_url: str, server: Server, owner: Credentials, login: Credentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    app, kept = _keep(client, login), _keep(client, owner)
    for name, value in {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATABASE_HOST": server.host,
        "DATABASE_PORT": str(server.port),
        "DATABASE_NAME": server.database,
        "OWNER_SECRET": kept,
        "LOGIN_SECRETS": "{}",
    }.items():
        monkeypatch.setenv(name, value)
    event = {"SecretId": app, "ClientRequestToken": str(uuid4()), "Step": "createSecret"}
    await asyncio.to_thread(handle, event, None)
    assert _held(client, app, "AWSPENDING").username == f"{login.username}_clone"


def test_the_zip_has_all_that_it_imports(tmp_path: Path) -> None:
    files = code()
    for path, asset in files.items():
        there = tmp_path / path
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(asset.path, there)
    assert "aws_roots.pem" in files
    assert not any("__pycache__" in path for path in files)
    # Without this machine's packages; boto3 is Lambda's own.
    run = subprocess.run(
        [sys.executable, "-S", "-E", "-c", "import rotation.logins as l; print(l.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(tmp_path / "rotation" / "logins.py")
