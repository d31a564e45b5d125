"""Somebody who uploads and watches, and who does not give up at the first broken connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.e2e.system.stack import until

_PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.1
_AT_ONCE = 4
_BLOCK_BYTES = 256 * 1024
Json = dict[str, Any]
# The bytes of a file from one place up to another.
Content = Callable[[int, int], bytes]


class Client:
    """A person with an account and a project of their own.

    It repeats what got no answer or 503, as clients should: parts, GETs, and POSTs under their
    Idempotency-Key.
    """

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=20)
        # Links to parts need no credentials.
        self.nobody = httpx.AsyncClient(timeout=20)
        # How often something had to be sent again.
        self.repeated = 0

    @classmethod
    async def register(cls, url: str) -> Self:
        client = cls(url)
        email = f"{uuid4().hex}@example.org"
        body = {"email": email, "password": "three words and more", "name": "Ada"}
        session = await client.post("/v1/auth/register", body)
        client.http.headers["Authorization"] = f"Bearer {session['access_token']}"
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.nobody.aclose()

    async def get(self, path: str) -> Json:
        return await self._json("GET", path)

    async def post(self, path: str, body: object = None) -> Json:
        headers = {"Idempotency-Key": uuid4().hex}
        return await self._json("POST", path, json=body, headers=headers)

    async def _json(self, method: str, path: str, **more: Any) -> Json:
        answer = await self.send(method, path, **more)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The first answer that is not 503."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await self.http.request(method, path, **more)
            except httpx.TransportError as error:
                why = repr(error)
            else:
                if answer.status_code != 503:
                    return answer
                why = answer.text
            assert time.monotonic() < deadline, f"{method} {path}: {why}"
            self.repeated += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    async def begin(self, filename: str, size: int, **more: object) -> Json:
        return await self.post("/v1/uploads", {"filename": filename, "size_bytes": size, **more})

    async def send_parts(self, upload: Json, content: Content) -> None:
        """Sends what has not arrived, by the list of it, until nothing is missing."""
        deadline = time.monotonic() + _PATIENCE_SECONDS * (1 + upload["part_count"] / 20)
        while missing := (await self.get(f"/v1/uploads/{upload['id']}/parts"))["missing"]:
            assert time.monotonic() < deadline, f"parts {missing[:10]} do not arrive"
            wanted = {"numbers": missing[:100]}
            signed = await self.post(f"/v1/uploads/{upload['id']}/parts", wanted)
            slots = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(
                *(self._send_part(upload, part, content, slots) for part in signed["items"])
            )

    async def _send_part(
        self, upload: Json, part: Json, content: Content, slots: asyncio.Semaphore
    ) -> None:
        begin = (part["number"] - 1) * upload["part_bytes"]
        size = part["size_bytes"]
        headers = part["headers"] | {"Content-Length": str(size)}
        async with slots:
            blocks = _blocks(content, begin, begin + size)
            try:
                answer = await self.nobody.request(
                    part["method"], part["url"], content=blocks, headers=headers
                )
            except httpx.TransportError:
                # Whether it arrived, the list will tell.
                self.repeated += 1
                return
        assert answer.status_code in {200, 503}, answer.text
        self.repeated += answer.status_code == 503

    async def complete(self, upload: Json) -> Json:
        return await self.post(f"/v1/uploads/{upload['id']}/complete")

    async def upload_bytes(self, data: bytes, filename: str, **more: object) -> str:
        """Gives the asset's id."""
        upload = await self.begin(filename, len(data), **more)
        await self.send_parts(upload, lambda begin, end: data[begin:end])
        await self.complete(upload)
        return str(upload["asset_id"])

    async def upload(self, path: Path, **more: object) -> str:
        data = await asyncio.to_thread(path.read_bytes)
        return await self.upload_bytes(data, path.name, **more)

    async def asset(self, asset_id: str) -> Json:
        return await self.get(f"/v1/assets/{asset_id}")

    async def ends(self, asset_id: str, seconds: float = 60) -> Json:
        """The asset, once it is ready or has failed."""

        async def ended() -> Json | None:
            asset = await self.asset(asset_id)
            return asset if asset["state"] in {"ready", "failed"} else None

        try:
            return await until(ended, f"{asset_id} ends", seconds, every=0.1)
        except AssertionError as error:
            error.add_note(str(await self.get(f"/v1/assets/{asset_id}/explain")))
            raise

    async def becomes_ready(self, asset_id: str, seconds: float = 60) -> Json:
        asset = await self.ends(asset_id, seconds)
        assert asset["state"] == "ready", asset["error"]
        return asset


async def _blocks(content: Content, begin: int, end: int) -> AsyncIterator[bytes]:
    for at in range(begin, end, _BLOCK_BYTES):
        yield content(at, min(at + _BLOCK_BYTES, end))
