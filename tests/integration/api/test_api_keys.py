"""API keys: shown once, never more than their maker, and gone when revoked."""

from datetime import timedelta

import httpx
from sqlalchemy import text

from app.asgi import create_app
from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.settings import Settings
from tests.integration.api.conftest import client_of
from tests.integration.api.people import Person, make_key, sign_in


async def test_a_key_opens_its_project_with_its_scopes(
    client: httpx.AsyncClient, ada: Person
) -> None:
    key = await make_key(client, ada, "assets:read", "keys:read")
    for headers in ({"X-API-Key": key["key"]}, {"Authorization": f"Bearer {key['key']}"}):
        me = (await client.get("/v1/me", headers=headers)).json()
        assert me["project"]["id"] == ada.project_id
        assert me["scopes"] == ["assets:read", "keys:read"]
        assert (me["api_key_id"], me["user_id"]) == (key["id"], None)
    refused = await client.get("/v1/members", headers={"X-API-Key": key["key"]})
    assert (refused.status_code, refused.json()["scope"]) == (403, "members:read")


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    key = await make_key(client, ada, "assets:read")
    listed = await client.get("/v1/api-keys", headers=ada.headers)
    assert key["key"] not in listed.text
    assert key["key"].startswith(listed.json()["items"][0]["hint"])
    async with database.project(ada.project_id) as tx:
        stored = (await tx.execute(text("SELECT api_keys::text FROM api_keys"))).scalar_one()
    assert key["key"] not in stored


async def test_the_last_use_is_noted(client: httpx.AsyncClient, ada: Person) -> None:
    key = await make_key(client, ada, "assets:read")
    await client.get("/v1/me", headers={"X-API-Key": key["key"]})
    listed = await client.get("/v1/api-keys", headers=ada.headers)
    assert listed.json()["items"][0]["last_used_at"] is not None


async def test_a_key_has_no_more_than_its_maker(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    strong = await make_key(client, ada, "keys:write", "assets:write")
    weak = await make_key(client, ada, "keys:write")
    headers = {"X-API-Key": weak["key"]}
    made = await client.post(
        "/v1/api-keys", json={"name": "n", "scopes": ["assets:write"]}, headers=headers
    )
    rotated = await client.post(f"/v1/api-keys/{strong['id']}/rotate", json={}, headers=headers)
    assert made.status_code == rotated.status_code == 403
    unknown = await client.post(
        "/v1/api-keys", json={"name": "n", "scopes": ["assets:eat"]}, headers=headers
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/scopes")


async def test_viewers_make_no_keys(client: httpx.AsyncClient, ada: Person, bob: Person) -> None:
    await client.post(
        "/v1/members", json={"email": "bob@example.org", "role": "viewer"}, headers=ada.headers
    )
    viewer = await sign_in(client, "bob@example.org", ada.project_id)
    answer = await client.post(
        "/v1/api-keys", json={"name": "n", "scopes": ["assets:read"]}, headers=viewer.headers
    )
    assert answer.status_code == 403


async def test_a_revoked_key_opens_nothing(
    client: httpx.AsyncClient, settings: Settings, database: Database, ada: Person
) -> None:
    key = await make_key(client, ada, "assets:read")
    headers = {"X-API-Key": key["key"]}
    assert (await client.get("/v1/me", headers=headers)).status_code == 200
    revoked = await client.delete(f"/v1/api-keys/{key['id']}", headers=ada.headers)
    assert revoked.status_code == 204
    # Another process has not just verified it, as this one has.
    async with client_of(create_app(settings, database=database)) as elsewhere:
        answer = await elsewhere.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "credentials_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_rotation_can_leave_the_old_key_for_a_while(
    client: httpx.AsyncClient, settings: Settings, database: Database, ada: Person
) -> None:
    first = await make_key(client, ada, "assets:read")
    path = "/v1/api-keys/{}/rotate"
    second = await client.post(
        path.format(first["id"]), json={"overlap_seconds": 600}, headers=ada.headers
    )
    third = await client.post(path.format(second.json()["id"]), json={}, headers=ada.headers)
    assert (second.status_code, third.status_code) == (201, 201)
    async with client_of(create_app(settings, database=database)) as elsewhere:
        opened = [
            (await elsewhere.get("/v1/me", headers={"X-API-Key": one["key"]})).status_code
            for one in (first, second.json(), third.json())
        ]
    assert opened == [200, 401, 200]
    gone = await client.post(path.format(second.json()["id"]), json={}, headers=ada.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "api_key_not_found")


async def test_a_key_expires(client: httpx.AsyncClient, database: Database, ada: Person) -> None:
    soon = (utc_now() + timedelta(hours=1)).isoformat()
    body = {"name": "n", "scopes": ["assets:read"], "expires_at": soon}
    key = (await client.post("/v1/api-keys", json=body, headers=ada.headers)).json()
    async with database.project(ada.project_id) as tx:
        await tx.execute(text("UPDATE api_keys SET expires_at = clock_timestamp()"))
    answer = await client.get("/v1/me", headers={"X-API-Key": key["key"]})
    assert answer.status_code == 401
    past = body | {"expires_at": (utc_now() - timedelta(hours=1)).isoformat()}
    refused = await client.post("/v1/api-keys", json=past, headers=ada.headers)
    assert refused.json()["errors"][0]["pointer"] == "/expires_at"


async def test_keys_of_another_project_are_not_there(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    key = await make_key(client, ada, "assets:read")
    answer = await client.delete(f"/v1/api-keys/{key['id']}", headers=bob.headers)
    assert answer.status_code == 404
