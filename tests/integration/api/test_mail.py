"""Who gets mail, chosen by the member or by the link in a mail."""

from datetime import UTC, datetime, timedelta

import httpx

from app.accounts.mail_wishes import unsubscribe_link
from app.assets.service import get_asset
from app.foundation.db.database import Database
from app.seams import make_signer
from app.settings import Settings
from tests.integration.api.people import Person, make_key


async def wish(client: httpx.AsyncClient, person: Person) -> str:
    answer = await client.get("/v1/members", headers=person.headers)
    [member] = [each for each in answer.json()["items"] if each["user_id"] == person.id]
    return str(member["mail"])


def link(settings: Settings, person: Person, *, now: datetime | None = None) -> str:
    return unsubscribe_link(
        make_signer(settings),
        "http://spool.test",
        project_id=person.project_id,
        user_id=person.id,
        now=now or datetime.now(UTC),
    )


async def test_one_chooses_ones_own_mail(client: httpx.AsyncClient, ada: Person) -> None:
    assert await wish(client, ada) == "own"
    answer = await client.put(
        f"/v1/members/{ada.id}/mail", json={"mail": "all"}, headers=ada.headers
    )
    assert (answer.status_code, answer.json()["mail"]) == (200, "all")
    assert await wish(client, ada) == "all"


async def test_that_of_others_takes_a_scope(client: httpx.AsyncClient, ada: Person) -> None:
    path, body = f"/v1/members/{ada.id}/mail", {"mail": "none"}
    weak, strong = [
        (await make_key(client, ada, scope))["key"] for scope in ("members:read", "members:write")
    ]
    for key, status in ((weak, 403), (strong, 200)):
        answer = await client.put(path, json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status, answer.text


async def test_nobody_is_member_of_another_project(
    client: httpx.AsyncClient, ada: Person, bob: Person
) -> None:
    answer = await client.put(
        f"/v1/members/{bob.id}/mail", json={"mail": "none"}, headers=ada.headers
    )
    assert answer.status_code == 404
    assert await wish(client, bob) == "own"


async def test_looking_at_the_link_ends_nothing_and_its_button_does(
    client: httpx.AsyncClient, settings: Settings, ada: Person
) -> None:
    url = link(settings, ada)
    asked = await client.get(url)
    assert asked.status_code == 200
    assert "<form" in asked.text
    assert await wish(client, ada) == "own"
    # As mail programs send it.
    done = await client.post(url, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200, done.text
    assert await wish(client, ada) == "none"


async def test_links_that_were_changed_or_are_old_end_nothing(
    client: httpx.AsyncClient, settings: Settings, ada: Person
) -> None:
    old = link(settings, ada, now=datetime.now(UTC) - timedelta(days=366))
    for url, code in (
        (link(settings, ada) + "x", "signature_invalid"),
        (old, "signature_expired"),
    ):
        answer = await client.post(url)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert await wish(client, ada) == "own"


async def test_who_uploads_is_remembered_and_a_program_is_nobody(
    client: httpx.AsyncClient, database: Database, ada: Person
) -> None:
    key = (await make_key(client, ada, "uploads:write"))["key"]
    senders = []
    for headers in (ada.headers, {"Authorization": f"Bearer {key}"}):
        upload = await client.post(
            "/v1/uploads", json={"filename": "a.mp4", "size_bytes": 10}, headers=headers
        )
        async with database.project(ada.project_id) as tx:
            senders.append((await get_asset(tx, upload.json()["asset_id"])).created_by)
    assert senders == [ada.id, None]
