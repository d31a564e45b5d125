"""Every error is a problem document, whatever broke."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy import text

from app.asgi import create_app
from app.foundation.auth import requires
from app.foundation.db.database import Database
from app.foundation.http.edge import NO_DEADLINE
from app.foundation.http.transaction import Tx
from app.foundation.telemetry.correlation import current_traceparent
from app.local.postgres import LocalPostgres
from app.settings import Settings
from tests.conftest import database_of, make_settings
from tests.integration.api.conftest import client_of
from tests.integration.api.people import PASSWORD, Person

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Part(Struct):
    number: int


class Order(Struct, forbid_unknown_fields=True):
    parts: list[Part]
    labels: dict[str, int] = {}


@post("/test/order")
async def order(data: JSONBody[Order], limit: FromQuery[int] = 5) -> int:
    return len(data.parts) + limit


@get("/test/broken")
async def broken() -> None:
    raise RuntimeError("the password is hunter2")


@get("/test/slow")
async def slow() -> None:
    await asyncio.Event().wait()


@get("/test/patient", opt={NO_DEADLINE: True})
async def patient() -> None:
    await asyncio.sleep(0.3)


@get("/test/traceparent")
async def traceparent() -> str | None:
    return current_traceparent()


@post("/test/store", guards=[requires()])
async def store(tx: Tx, data: JSONBody[str]) -> None:
    await tx.execute(text("UPDATE projects SET name = :name"), {"name": data})


@get("/test/sleep", guards=[requires()])
async def sleep(tx: Tx) -> None:
    await tx.execute(text("SELECT pg_sleep(60)"))


ROUTES = (order, broken, slow, patient, traceparent, store, sleep)


@pytest.fixture
def hasty(database_url: str, tmp_path: Path) -> Settings:
    """Settings that give a request hardly any time."""
    return make_settings(database_url, tmp_path, request_timeout_seconds=0.2)


@pytest.fixture
def api(settings: Settings, database: Database) -> Litestar:
    return with_routes(create_app(settings, database=database))


def with_routes(app: Litestar) -> Litestar:
    for handler in ROUTES:
        app.register(handler)
    return app


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"/errors/{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["correlation_id"] == answer.headers["X-Correlation-ID"]
    return problem


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing/here", 404, "not_found"),
        ("PUT", "/v1/me", 405, "method_not_allowed"),
        ("GET", "/v1/me", 401, "credentials_missing"),
        ("GET", "/test/broken", 500, "internal_error"),
        ("POST", "/test/order", 422, "validation_failed"),
    ],
)
async def test_the_framework_answers_with_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    check_problem(await client.request(method, path), status, code)


async def test_what_broke_stays_inside(client: httpx.AsyncClient) -> None:
    answer = await client.get("/test/broken")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_request"),
        (b'{"parts": [], "labels": {"\xff": 1}}', "application/json", 400, "bad_request"),
        (b"[" * 100_000, "application/json", 422, "validation_failed"),
        (b"parts=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"parts": [' + b" " * 1024 * 1024 + b"]}", "application/json", 413, "body_too_large"),
    ],
)
async def test_bodies_that_cannot_be_read(
    client: httpx.AsyncClient, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = await client.post("/test/order", content=body, headers={"Content-Type": kind})
    check_problem(answer, status, code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"parts": [{"number": 1}, {"number": "2"}]}, "/parts/1/number"),
        ({"parts": [{}]}, "/parts/0"),
        ({"parts": [], "more": 1}, ""),
        ({"parts": [], "labels": {"a": 1.5}}, "/labels/..."),
        ([], ""),
    ],
)
async def test_a_pointer_leads_to_what_does_not_fit(
    client: httpx.AsyncClient, body: object, pointer: str
) -> None:
    problem = check_problem(await client.post("/test/order", json=body), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


async def test_a_parameter_that_does_not_fit_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/test/order?limit=many", json={"parts": []})
    problem = check_problem(answer, 422, "validation_failed")
    assert [(one["in"], one["parameter"]) for one in problem["errors"]] == [("query", "limit")]


async def test_a_cursor_of_ones_own_making(client: httpx.AsyncClient, ada: Person) -> None:
    for cursor in ("x", "a" * 40, "ksQGWIUdyK0_vKEA"):
        answer = await client.get("/v1/projects", params={"cursor": cursor}, headers=ada.headers)
        check_problem(answer, 422, "cursor_invalid")


async def test_text_that_postgresql_cannot_hold(client: httpx.AsyncClient, ada: Person) -> None:
    answer = await client.post("/test/store", json="a\0b", headers=ada.headers)
    check_problem(answer, 422, "validation_failed")


async def test_a_request_that_takes_too_long_is_given_up(
    hasty: Settings, database: Database
) -> None:
    async with client_of(with_routes(create_app(hasty, database=database))) as client:
        answer = await client.get("/test/slow")
        check_problem(answer, 503, "request_timeout")
        assert answer.headers["Retry-After"]
        assert (await client.get("/test/patient")).status_code == 200


async def test_a_request_too_many_is_refused(hasty: Settings, database: Database) -> None:
    narrow = hasty.model_copy(update={"requests_at_once": 1})
    async with client_of(with_routes(create_app(narrow, database=database))) as client:
        first, second = await asyncio.gather(client.get("/test/slow"), client.get("/test/slow"))
        check_problem(first, 503, "request_timeout")
        check_problem(second, 503, "overloaded")
        assert second.headers["Retry-After"]
        check_problem(await client.get("/test/slow"), 503, "request_timeout")


async def test_a_given_up_transaction_leaves_its_connection_usable(
    hasty: Settings, ada: Person
) -> None:
    one = Database(hasty.database_url.get_secret_value(), pool_size=1)
    try:
        async with client_of(with_routes(create_app(hasty, database=one))) as client:
            for _ in range(3):
                answer = await client.get("/test/sleep", headers=ada.headers)
                check_problem(answer, 503, "request_timeout")
            assert (await client.get("/v1/me", headers=ada.headers)).status_code == 200
    finally:
        await one.close()


async def test_a_database_that_is_away(settings: Settings, ada: Person) -> None:
    nowhere = Database("postgresql+asyncpg://spool:secret@127.0.0.1:1/spool")
    async with client_of(create_app(settings, database=nowhere)) as client:
        answer = await client.get("/v1/me", headers=ada.headers)
        problem = check_problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"]
        assert "127.0.0.1" not in problem["detail"]
        body = {"email": "ada@example.org", "password": PASSWORD}
        check_problem(await client.post("/v1/auth/sign-in", json=body), 503, "unavailable")


async def test_connections_that_died_are_replaced(
    client: httpx.AsyncClient, postgres: LocalPostgres, database_name: str, ada: Person
) -> None:
    admin = Database(database_of(postgres.admin_url(), database_name), pool_size=1)
    try:
        async with admin.connection() as connection:
            killed = await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            assert killed.all()
    finally:
        await admin.close()
    statuses = [(await client.get("/v1/me", headers=ada.headers)).status_code for _ in range(3)]
    assert set(statuses[:1]) <= {200, 503}
    assert statuses[1:] == [200, 200]


async def test_a_correlation_id_is_kept_if_it_is_harmless(client: httpx.AsyncClient) -> None:
    for given, kept in (("order-7.a", True), ("a b", False), ("x" * 200, False)):
        answer = await client.get("/health", headers={"X-Correlation-ID": given})
        assert (answer.headers["X-Correlation-ID"] == given) is kept


async def test_the_callers_trace_is_continued(client: httpx.AsyncClient) -> None:
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    answer = await client.get("/test/traceparent", headers={"traceparent": parent})
    assert TRACE in answer.text
