"""Who may watch, and who may say so."""

from datetime import timedelta

import httpx
import m3u8
import pytest
from sqlalchemy import text

from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.foundation.signing import SignatureExpired
from app.playback.tokens import PlaybackTokens
from app.seams import make_signer
from app.settings import Settings
from tests.conftest import add_project
from tests.integration.api.playback.asking import NewId, code, media_uris, mint, sign_in


async def test_a_signed_id_opens_with_its_token_only(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    signed_id: str,
    ready_id: str,
    new_playback_id: NewId,
) -> None:
    other_id = await new_playback_id(ready_id, "signed")
    token, other = await mint(client, owner, signed_id), await mint(client, owner, other_id)
    for path in (
        f"/{signed_id}.m3u8",
        f"/{signed_id}.mpd",
        f"/{signed_id}/poster.jpg",
        f"/{signed_id}/poster.webp",
        f"/{signed_id}/thumbnail.jpg",
        f"/{signed_id}/thumbnail.webp",
        f"/{signed_id}/storyboard.vtt",
        f"/{signed_id}/status",
    ):
        assert code(await client.get(path)) == (401, "playback_token_missing")
        for wrong in (other, token[:-1], token + "A", "x", "a.1..b"):
            refused = await client.get(path, params={"token": wrong})
            assert code(refused) == (403, "playback_token_invalid"), wrong
        opened = await client.get(path, params={"token": token})
        assert opened.status_code == 200
        assert "public" not in opened.headers["cache-control"]


async def test_an_expired_token_opens_nothing(
    client: httpx.AsyncClient, settings: Settings, signed_id: str
) -> None:
    past = PlaybackTokens(make_signer(settings), clock=lambda: utc_now() - timedelta(hours=2))
    token, _ = past.mint(signed_id, timedelta(hours=1))
    answer = await client.get(f"/{signed_id}.m3u8", params={"token": token})
    assert code(answer) == (403, "playback_token_invalid")
    assert "expired" in answer.json()["detail"]


async def test_media_of_a_signed_id_is_reachable_through_its_manifest_only(
    client: httpx.AsyncClient, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    uris = await media_uris(client, f"/{signed_id}.m3u8?token={token}")
    segment = next(uri for uri in uris if uri.endswith(".m4s"))
    opened = await client.get(segment)
    assert opened.status_code == 200
    assert opened.headers["cache-control"] == "private, max-age=86400, immutable"
    _, _, grant, audience, rest = segment.split("/", 4)
    assert token not in segment
    for path in (
        f"/media/{grant}x/{audience}/{rest}",
        f"/media/{token}/{audience}/{rest}",
        f"/media/{grant}/public/{rest}",
        f"/media/{audience}/{rest}",
        f"/media/{grant}/{rest}",
    ):
        assert code(await client.get(path)) == (403, "signature_invalid"), path


async def test_a_grant_ends_with_the_token_it_came_from(
    client: httpx.AsyncClient, settings: Settings, signed_id: str
) -> None:
    signer = make_signer(settings)
    token, until = PlaybackTokens(signer).mint(signed_id, timedelta(minutes=10))
    answer = await client.get(f"/{signed_id}.m3u8", params={"token": token})
    _, _, grant, path = m3u8.loads(answer.text).playlists[0].uri.split("/", 3)
    signer.verify_prefix(grant, path, now=until - timedelta(seconds=1))
    with pytest.raises(SignatureExpired):
        signer.verify_prefix(grant, path, now=until)


async def test_revoking_ends_the_id_and_touches_no_media(
    client: httpx.AsyncClient,
    owner: dict[str, str],
    ready_id: str,
    public_id: str,
    new_playback_id: NewId,
) -> None:
    other_id = await new_playback_id(ready_id)
    uris = await media_uris(client, f"/{public_id}.m3u8")
    for _ in range(2):
        answer = await client.delete(f"/v1/playback-ids/{public_id}", headers=owner)
        assert answer.status_code == 204
    for path in (f"/{public_id}.m3u8", f"/{public_id}/poster.jpg", f"/{public_id}/status"):
        assert code(await client.get(path)) == (404, "playback_id_not_found")
    assert (await client.get(f"/watch/{public_id}")).status_code == 404
    minted = await client.post(f"/v1/playback-ids/{public_id}/tokens", json={}, headers=owner)
    assert code(minted) == (404, "playback_id_not_found")
    listed = await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=owner)
    assert [item["id"] for item in listed.json()["items"]] == [other_id]
    # Who was watching goes on until the grant ends, and the other id is as it was.
    assert (await client.get(uris[0])).status_code == 200
    assert len(await media_uris(client, f"/{other_id}.m3u8")) == len(uris)


async def test_playback_ids_are_the_projects_own(
    client: httpx.AsyncClient, settings: Settings, database: Database, ready_id: str, public_id: str
) -> None:
    stranger = sign_in(settings, await add_project(database, "Other"))
    for answer, expected in (
        (
            await client.delete(f"/v1/playback-ids/{public_id}", headers=stranger),
            "playback_id_not_found",
        ),
        (
            await client.post(f"/v1/playback-ids/{public_id}/tokens", json={}, headers=stranger),
            "playback_id_not_found",
        ),
        (
            await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=stranger),
            "asset_not_found",
        ),
        (
            await client.post(f"/v1/assets/{ready_id}/playback-ids", json={}, headers=stranger),
            "asset_not_found",
        ),
    ):
        assert code(answer) == (404, expected)


async def test_playback_ids_need_their_scope(
    client: httpx.AsyncClient, settings: Settings, project_id: str, ready_id: str, public_id: str
) -> None:
    viewer = sign_in(settings, project_id, "viewer")
    refused = await client.delete(f"/v1/playback-ids/{public_id}", headers=viewer)
    assert code(refused) == (403, "scope_missing")
    listed = await client.get(f"/v1/assets/{ready_id}/playback-ids", headers=viewer)
    assert listed.status_code == 200


async def test_one_key_makes_one_playback_id(
    client: httpx.AsyncClient, owner: dict[str, str], ready_id: str
) -> None:
    headers = owner | {"Idempotency-Key": "share-once"}
    path = f"/v1/assets/{ready_id}/playback-ids"
    first = await client.post(path, json={}, headers=headers)
    second = await client.post(path, json={}, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_deleted_asset_is_not_shown(
    client: httpx.AsyncClient, database: Database, project_id: str, public_id: str
) -> None:
    async with database.project(project_id) as tx:
        await tx.execute(text("UPDATE assets SET state = 'deleting'"))
    assert code(await client.get(f"/{public_id}.m3u8")) == (404, "playback_id_not_found")


async def test_an_unknown_playback_id_is_not_there(client: httpx.AsyncClient) -> None:
    assert code(await client.get("/0000000000.m3u8")) == (404, "playback_id_not_found")
