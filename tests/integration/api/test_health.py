"""What orchestrators and Prometheus see."""

import asyncio
import shutil

import httpx
from sqlalchemy import make_url

from app.asgi import create_app
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.local.postgres import LocalPostgres
from app.settings import Settings
from tests.conftest import run_sql
from tests.integration.api.conftest import client_of


async def test_a_process_that_answers_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok"}
    ready = await client.get("/ready")
    assert ready.json() == {
        "status": "ready",
        "checks": {"database": "ok", "store": "ok", "queue": "ok"},
    }


async def test_without_a_database_it_is_alive_and_not_ready(settings: Settings) -> None:
    nowhere = Database("postgresql+asyncpg://spool:secret@127.0.0.1:1/spool")
    async with client_of(create_app(settings, database=nowhere)) as client:
        assert (await client.get("/health")).status_code == 200
        answer = await client.get("/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["store"] == "ok"
    assert checks["database"] != "ok" != checks["queue"]
    assert "127.0.0.1" not in answer.text


async def test_without_a_store_it_is_not_ready(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    assert settings.store_root
    shutil.rmtree(settings.store_root)
    settings.store_root.write_text("a file where the folder was")
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "ok"
    assert answer.json()["checks"]["store"] != "ok"


async def test_measurements_go_by_route_and_not_by_path(client: httpx.AsyncClient) -> None:
    for path in ("/errors/not_found", "/errors/gone", "/v1/no1", "/v1/no2"):
        await client.get(path)
    text = (await client.get("/metrics")).text
    counted = [
        line for line in text.splitlines() if line.startswith("http_request_duration_seconds_count")
    ]
    assert any('route="/errors/{code}",status="200"' in line for line in counted)
    assert any('route="unmatched",status="404"' in line for line in counted)
    assert not any("/v1/no" in line or "/errors/gone" in line for line in counted)


async def test_who_is_refused_by_the_database_is_not_well(
    settings: Settings, postgres: LocalPostgres, database_url: str
) -> None:
    """A password that was changed under a process is read by the next one."""
    login = f"login_{random_id(8)}"
    await asyncio.to_thread(
        run_sql, postgres, f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD 'one'"
    )
    url = make_url(database_url).set(username=login, password="one")
    database = Database(url.render_as_string(hide_password=False))
    try:
        async with client_of(create_app(settings, database=database)) as client:
            assert (await client.get("/health")).status_code == 200
            await database.now()
            await asyncio.to_thread(run_sql, postgres, f"ALTER ROLE {login} PASSWORD 'two'")
            assert (await client.get("/health")).status_code == 200, "nobody has been refused yet"
            await database.close()
            assert (await client.get("/ready")).status_code == 503
            answer = await client.get("/health")
            assert answer.status_code == 503
            assert "refuses the login" in answer.text
            await asyncio.to_thread(run_sql, postgres, f"ALTER ROLE {login} PASSWORD 'one'")
            await database.now()
            assert (await client.get("/health")).status_code == 200
    finally:
        await database.close()
        await asyncio.to_thread(run_sql, postgres, f"DROP ROLE {login}")
