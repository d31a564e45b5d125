"""How the tests of playback ask, and read the answers."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import m3u8

from app.foundation.db.ids import new_id
from app.foundation.tokens import AccessTokens
from app.settings import Settings

NewId = Callable[..., Awaitable[str]]


def sign_in(settings: Settings, project_id: str, role: str = "owner") -> dict[str, str]:
    tokens = AccessTokens(
        settings.signing_secrets, settings.signing_key_id, lifetime=timedelta(minutes=5)
    )
    token = tokens.issue(user_id=new_id("usr"), project_id=project_id, role=role)
    return {"Authorization": f"Bearer {token}"}


async def mint(client: httpx.AsyncClient, owner: dict[str, str], playback_id: str) -> str:
    answer = await client.post(
        f"/v1/playback-ids/{playback_id}/tokens", json={"ttl_seconds": 600}, headers=owner
    )
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def media_uris(client: httpx.AsyncClient, manifest: str) -> list[str]:
    """Every file that the HLS manifest leads to, as paths."""
    answer = await client.get(manifest)
    assert answer.status_code == 200, answer.text
    master = m3u8.loads(answer.text)
    playlists = [p.uri for p in master.playlists] + [m.uri for m in master.media if m.uri]
    uris: list[str] = []
    for playlist in playlists:
        inner = await client.get(playlist)
        assert inner.status_code == 200, inner.text
        parsed = m3u8.loads(inner.text, uri=f"http://x{playlist}")
        absolute = [s.absolute_uri for s in [*parsed.segments, *parsed.segment_map]]
        uris += [playlist, *(uri.removeprefix("http://x") for uri in absolute)]
    return uris
