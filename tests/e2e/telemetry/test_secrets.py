"""What two processes wrote while somebody used every kind of secret: none of it is in there."""

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx

from app.foundation.auth import SCOPES
from tests.e2e.system.client import Client
from tests.e2e.system.evidence import settled, watch
from tests.e2e.system.stack import API, WORKER, Stack
from tests.e2e.telemetry.tree import whole
from tests.servers.otlp import Collector

PASSWORD = "a-password-that-is-nowhere-else"
WRONG = "another-one-which-is-wrong"


async def test_no_secret_is_written_or_sent(stack: Stack, receiver: Collector, small: Path) -> None:
    settings = {"otlp_endpoint": receiver.grpc_url, "log_level": "DEBUG"}
    stack.start(API, **settings)
    stack.start(WORKER, **settings)
    await stack.ready(API, WORKER)
    used: set[str] = {PASSWORD, WRONG}
    async with Client(stack.url) as client:
        await _accounts(client, used)
        asset_id = await _upload(client, used, small)
        await _play(client, stack, used, asset_id)
        await _fail(client, used)
    await settled(stack)
    await asyncio.to_thread(receiver.await_spans, lambda seen: whole(seen, asset_id))
    stack.stop_all()
    login = urlsplit(stack.postgres.app_url)
    used |= {key.get_secret_value() for key in stack.settings.signing_keys.values()}
    used |= {login.password} if login.password else set()

    assert len(used) >= 12, used
    written = "".join((stack.folder / f"{name}.log").read_text() for name in (API, WORKER))
    assert "task.ended" in written
    assert "request" in written
    sent = repr(receiver.spans)
    assert asset_id in sent
    for secret in used:
        assert secret not in written, secret
        assert secret not in sent, secret


async def _accounts(client: Client, used: set[str]) -> None:
    email = f"{uuid4().hex}@example.org"
    person = {"email": email, "password": PASSWORD, "name": "Ada"}
    registered = await client.post("/v1/auth/register", person)
    signed_in = await client.post("/v1/auth/sign-in", {"email": email, "password": PASSWORD})
    token = {"refresh_token": signed_in["refresh_token"]}
    refreshed = await client.post("/v1/auth/refresh", token)
    for session in (registered, signed_in, refreshed):
        used |= {session["access_token"], session["refresh_token"]}
    client.http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
    made = await client.post("/v1/api-keys", {"name": "ci", "scopes": sorted(SCOPES)})
    rotated = await client.post(f"/v1/api-keys/{made['id']}/rotate", {"overlap_seconds": 600})
    used |= {made["key"], rotated["key"]}
    client.http.headers["Authorization"] = f"Bearer {rotated['key']}"


async def _upload(client: Client, used: set[str], path: Path) -> str:
    data = await asyncio.to_thread(path.read_bytes)
    upload = await client.begin(path.name, len(data), playback_policy="signed")
    await client.send_parts(upload, lambda begin, end: data[begin:end])
    signed = await client.post(f"/v1/uploads/{upload['id']}/parts", {"numbers": [1]})
    await client.complete(upload)
    for part in [*upload["parts"], *signed["items"]]:
        used |= set(parse_qs(urlsplit(part["url"]).query)["token"])
    await client.becomes_ready(upload["asset_id"])
    return str(upload["asset_id"])


async def _play(client: Client, stack: Stack, used: set[str], asset_id: str) -> None:
    asset = await client.asset(asset_id)
    playback_id = asset["playback_ids"][0]["id"]
    made = await client.post(f"/v1/playback-ids/{playback_id}/tokens", {"ttl_seconds": 600})
    used.add(made["token"])
    assert await watch(client, asset, token=made["token"]) > 0
    manifest = await client.http.get(f"/{playback_id}.m3u8", params={"token": made["token"]})
    links = [line for line in manifest.text.splitlines() if "/media/" in line]
    for link in links:
        used.add(link.partition("/media/")[2].split("/")[0])
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        page = await stranger.get(f"/watch/{playback_id}", params={"token": made["token"]})
        assert page.status_code < 500


async def _fail(client: Client, used: set[str]) -> None:
    """Requests that are refused are the ones that one would like to log in full."""
    forged = f"spool_{'x1' * 20}"
    used.add(forged)
    for header in (f"Bearer {forged}", f"Basic {forged}"):
        answer = await client.http.get("/v1/assets", headers={"Authorization": header})
        assert answer.status_code == 401
    wrong = {"email": f"{uuid4().hex}@example.org", "password": WRONG}
    assert (await client.http.post("/v1/auth/sign-in", json=wrong)).status_code == 401
    malformed = await client.http.post("/v1/auth/sign-in", json={"email": 5, "password": [WRONG]})
    assert malformed.status_code == 422
    broken = await client.http.post(
        "/v1/auth/sign-in",
        content=f'{{"email": "a", "password": "{WRONG}"',
        headers={"content-type": "application/json"},
    )
    assert broken.status_code in {400, 422}
    bad_link = await client.http.put("/_store/parts/ab/1", params={"token": forged}, content=b"x")
    assert bad_link.status_code in {400, 403, 404, 422}
