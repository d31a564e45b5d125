"""A POST with an Idempotency-Key happens once, whatever happens to the request."""

import asyncio

import httpx
import pytest
from litestar import Litestar, post
from sqlalchemy import text

from app.asgi import create_app
from app.foundation.auth import requires
from app.foundation.db.database import Database
from app.foundation.http.idempotency import idempotent
from app.foundation.http.transaction import Tx
from app.settings import Settings
from tests.integration.api.people import PASSWORD, Person

KEY = {"name": "n", "scopes": ["assets:read"]}


class Crash(BaseException):
    """A process that ends here."""


@post("/test/crash", guards=[requires()])
@idempotent
async def crash(tx: Tx) -> None:
    await tx.execute(text("UPDATE projects SET name = 'half done'"))
    raise Crash


@pytest.fixture
def api(settings: Settings, database: Database) -> Litestar:
    app = create_app(settings, database=database)
    app.register(crash)
    return app


def keyed(person: Person, key: str) -> dict[str, str]:
    return person.headers | {"Idempotency-Key": key}


async def test_fifty_at_once_are_one(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    answers = await asyncio.gather(
        *(client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "one")) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert (replayed.count("true"), replayed.count(None)) == (49, 1)
    async with database.project(ada.project_id) as tx:
        assert (await tx.execute(text("SELECT count(*) FROM api_keys"))).scalar_one() == 1


async def test_the_answer_is_the_same_in_all_that_counts(
    client: httpx.AsyncClient, ada: Person
) -> None:
    first, second = [
        await client.post("/v1/projects", json={"name": "P"}, headers=keyed(ada, "p"))
        for _ in range(2)
    ]
    assert second.content == first.content
    assert second.status_code == first.status_code == 201
    for header in ("ETag", "Content-Type"):
        assert second.headers[header] == first.headers[header]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/api-keys", KEY | {"name": "other"}), ("/v1/projects", {"name": "P"})],
)
async def test_another_request_may_not_use_the_key(
    client: httpx.AsyncClient, ada: Person, path: str, body: dict[str, object]
) -> None:
    await client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "k"))
    answer = await client.post(path, json=body, headers=keyed(ada, "k"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_two_projects_have_nothing_to_do_with_each_other(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    mine = await client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "k"))
    theirs = await client.post("/v1/api-keys", json=KEY, headers=keyed(bob, "k"))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_an_error_is_not_kept(client: httpx.AsyncClient, ada: Person) -> None:
    body = {"email": "late@example.org", "role": "viewer"}
    early = await client.post("/v1/members", json=body, headers=keyed(ada, "m"))
    assert early.status_code == 404
    await client.post(
        "/v1/auth/register", json={"email": body["email"], "password": PASSWORD, "name": "L"}
    )
    later = await client.post("/v1/members", json=body, headers=keyed(ada, "m"))
    assert later.status_code == 201


async def test_a_crash_leaves_nothing_of_the_request(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    with pytest.raises(Crash):
        await client.post("/test/crash", headers=keyed(ada, "c"))
    async with database.project(ada.project_id) as tx:
        assert (await tx.execute(text("SELECT name FROM projects"))).scalar_one() != "half done"
        kept = await tx.execute(text("SELECT count(*) FROM idempotent_answers"))
        assert kept.scalar_one() == 0


async def test_a_kept_answer_does_not_show_its_secrets(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    made = await client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "s"))
    async with database.project(ada.project_id) as tx:
        body = (await tx.execute(text("SELECT body FROM idempotent_answers"))).scalar_one()
    assert made.json()["key"].encode() not in bytes(body)


async def test_a_key_can_be_used_again_after_its_time(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    first = await client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "t"))
    async with database.project(ada.project_id) as tx:
        await tx.execute(text("UPDATE idempotent_answers SET expires_at = clock_timestamp()"))
    second = await client.post("/v1/api-keys", json=KEY, headers=keyed(ada, "t"))
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ümlaut"])
async def test_keys_that_cannot_be_used(client: httpx.AsyncClient, ada: Person, key: str) -> None:
    headers = ada.headers | {"Idempotency-Key": key}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await client.post("/v1/api-keys", json=KEY, headers=encoded)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")


async def test_registering_twice_with_a_key_signs_in_once(client: httpx.AsyncClient) -> None:
    body = {"email": "new@example.org", "password": PASSWORD, "name": "New"}
    headers = {"Idempotency-Key": "r"}
    answers = await asyncio.gather(
        *(client.post("/v1/auth/register", json=body, headers=headers) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    other = body | {"password": "another good password"}
    answer = await client.post("/v1/auth/register", json=other, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
