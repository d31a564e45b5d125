"""Registering, sessions, projects and members."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from app.foundation.db.database import Database
from tests.integration.api.people import PASSWORD, Person, register, sign_in

NEW = {"email": "new@example.org", "password": PASSWORD, "name": "New"}


async def test_registering_makes_an_owner_of_a_project(client: httpx.AsyncClient) -> None:
    person = await register(client, "ada@example.org")
    me = (await client.get("/v1/me", headers=person.headers)).json()
    assert (me["role"], me["user_id"]) == ("owner", person.id)
    assert me["project"]["id"] == person.project_id
    assert "project:write" in me["scopes"]


async def test_an_address_has_one_account_however_it_is_written(
    client: httpx.AsyncClient, ada: Person
) -> None:
    answer = await client.post("/v1/auth/register", json=NEW | {"email": "ADA@example.ORG"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"


async def test_two_registrations_at_once_make_one_account(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/v1/auth/register", json=NEW) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"password": "short"}, "/password"),
        ({"password": "x" * 1025}, "/password"),
        ({"password": NEW["email"]}, "/password"),
        ({"password": "aaaaaaaaaaaa"}, "/password"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b\n"}, "/email"),
        ({"name": " "}, "/name"),
        ({"name": "a\0b"}, "/name"),
    ],
)
async def test_what_does_not_fit_is_pointed_at(
    client: httpx.AsyncClient, change: dict[str, str], pointer: str
) -> None:
    answer = await client.post("/v1/auth/register", json=NEW | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_sign_in_does_not_tell_who_has_an_account(
    client: httpx.AsyncClient, ada: Person
) -> None:
    wrong = {"password": "not the password"}
    known = await client.post("/v1/auth/sign-in", json={"email": "ada@example.org", **wrong})
    unknown = await client.post("/v1/auth/sign-in", json={"email": "eve@example.org", **wrong})
    assert known.status_code == unknown.status_code == 401
    assert {**known.json(), "correlation_id": ""} == {**unknown.json(), "correlation_id": ""}


async def test_a_refresh_token_is_replaced(client: httpx.AsyncClient, ada: Person) -> None:
    first = ada.session["refresh_token"]
    second = await _refresh(client, first)
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first
    third = await _refresh(client, second.json()["refresh_token"])
    assert third.status_code == 200


async def test_two_tabs_may_refresh_at_once(client: httpx.AsyncClient, ada: Person) -> None:
    token = ada.session["refresh_token"]
    answers = await asyncio.gather(*(_refresh(client, token) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 3


async def test_a_refresh_token_used_again_later_ends_the_chain(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    stolen = ada.session["refresh_token"]
    newest = (await _refresh(client, stolen)).json()["refresh_token"]
    async with database.gate() as gate:
        await gate.execute(text("UPDATE refresh_tokens SET used_at = used_at - interval '11 s'"))
    assert (await _refresh(client, stolen)).status_code == 401
    assert (await _refresh(client, newest)).status_code == 401


async def test_signing_out_ends_the_chain_and_can_be_repeated(
    client: httpx.AsyncClient, ada: Person
) -> None:
    body = {"refresh_token": ada.session["refresh_token"]}
    for _ in range(2):
        assert (await client.post("/v1/auth/sign-out", json=body)).status_code == 204
    assert (await _refresh(client, body["refresh_token"])).status_code == 401


async def test_expired_refresh_tokens_are_refused(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    async with database.gate() as gate:
        await gate.execute(text("UPDATE refresh_tokens SET expires_at = clock_timestamp()"))
    assert (await _refresh(client, ada.session["refresh_token"])).status_code == 401


async def test_tokens_and_passwords_are_stored_as_hashes(database: Database, ada: Person) -> None:
    async with database.gate() as gate:
        row = await gate.execute(text("SELECT users::text, r::text FROM users, refresh_tokens r"))
        stored = " ".join(row.one())
    assert PASSWORD not in stored
    assert ada.session["refresh_token"] not in stored
    assert "$argon2id$" in stored


async def test_projects_are_made_listed_entered_and_renamed(
    client: httpx.AsyncClient, ada: Person
) -> None:
    made = await client.post("/v1/projects", json={"name": "Second"}, headers=ada.headers)
    assert made.status_code == 201
    second_id = made.json()["id"]

    first_page = await client.get("/v1/projects", params={"limit": 1}, headers=ada.headers)
    assert [one["id"] for one in first_page.json()["items"]] == [ada.project_id]
    rest = await client.get(
        "/v1/projects", params={"cursor": first_page.json()["next_cursor"]}, headers=ada.headers
    )
    assert [one["id"] for one in rest.json()["items"]] == [second_id]
    assert rest.json()["next_cursor"] is None

    # The tokens are still for the first project, which cannot see the second.
    path = f"/v1/projects/{second_id}"
    assert (await client.get(path, headers=ada.headers)).status_code == 404
    answer = await client.post(
        "/v1/auth/refresh",
        json={"refresh_token": ada.session["refresh_token"], "project_id": second_id},
    )
    inside = Person(answer.json())
    seen = await client.get(path, headers=inside.headers)

    stale = {"If-Match": '"v0"'}
    change = {"name": "Renamed"}
    assert (await client.patch(path, json=change, headers=inside.headers)).status_code == 428
    answer = await client.patch(path, json=change, headers=inside.headers | stale)
    assert (answer.status_code, answer.headers["ETag"]) == (412, seen.headers["ETag"])
    answer = await client.patch(
        path, json=change, headers=inside.headers | {"If-Match": seen.headers["ETag"]}
    )
    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")
    assert answer.headers["ETag"] != seen.headers["ETag"]


async def test_nobody_enters_a_project_of_others(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    for path, body in (
        ("/v1/auth/refresh", {"refresh_token": ada.session["refresh_token"]}),
        ("/v1/auth/sign-in", {"email": "ada@example.org", "password": PASSWORD}),
    ):
        answer = await client.post(path, json=body | {"project_id": bob.project_id})
        assert (answer.status_code, answer.json()["code"]) == (403, "project_not_found")


async def test_members_come_change_and_go(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    body = {"email": "BOB@example.org", "role": "viewer"}
    added = await client.post("/v1/members", json=body, headers=ada.headers)
    assert (added.status_code, added.json()["user_id"]) == (201, bob.id)
    again = await client.post("/v1/members", json=body, headers=ada.headers)
    assert (again.status_code, again.json()["code"]) == (409, "member_exists")

    viewer = await sign_in(client, "bob@example.org", ada.project_id)
    listed = await client.get("/v1/members", headers=viewer.headers)
    assert [one["role"] for one in listed.json()["items"]] == ["owner", "viewer"]
    refused = await client.post("/v1/members", json=body, headers=viewer.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")

    changed = await client.put(
        f"/v1/members/{bob.id}/role", json={"role": "editor"}, headers=ada.headers
    )
    assert changed.json()["role"] == "editor"
    # Anybody may leave, without a scope for it.
    left = await client.delete(f"/v1/members/{bob.id}", headers=viewer.headers)
    assert left.status_code == 204
    answer = await client.post(
        "/v1/auth/sign-in",
        json={"email": "bob@example.org", "password": PASSWORD, "project_id": ada.project_id},
    )
    assert answer.status_code == 403


async def test_somebody_unknown_cannot_be_added(client: httpx.AsyncClient, ada: Person) -> None:
    body = {"email": "eve@example.org", "role": "viewer"}
    answer = await client.post("/v1/members", json=body, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "member_not_found")


async def test_an_admin_neither_makes_nor_removes_an_owner(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    await client.post(
        "/v1/members", json={"email": "bob@example.org", "role": "admin"}, headers=ada.headers
    )
    admin = await sign_in(client, "bob@example.org", ada.project_id)
    for answer in (
        await client.put(
            f"/v1/members/{bob.id}/role", json={"role": "owner"}, headers=admin.headers
        ),
        await client.put(
            f"/v1/members/{ada.id}/role", json={"role": "viewer"}, headers=admin.headers
        ),
        await client.delete(f"/v1/members/{ada.id}", headers=admin.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_the_last_owner_stays(client: httpx.AsyncClient, ada: Person) -> None:
    path = f"/v1/members/{ada.id}"
    demoted = await client.put(f"{path}/role", json={"role": "admin"}, headers=ada.headers)
    removed = await client.delete(path, headers=ada.headers)
    assert demoted.status_code == removed.status_code == 409
    assert demoted.json()["code"] == removed.json()["code"] == "last_owner"


async def test_of_two_owners_who_leave_at_once_one_stays(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    await client.post(
        "/v1/members", json={"email": "bob@example.org", "role": "owner"}, headers=ada.headers
    )
    other = await sign_in(client, "bob@example.org", ada.project_id)
    answers = await asyncio.gather(
        client.delete(f"/v1/members/{ada.id}", headers=ada.headers),
        client.delete(f"/v1/members/{bob.id}", headers=other.headers),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def _refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})
