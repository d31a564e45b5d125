"""The API on a real socket, as uvicorn serves it, and clients that talk to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import uvicorn

from app.asgi import create_app
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.foundation.storage.protocols import Store
from app.foundation.tokens import AccessTokens
from app.seams import make_store
from app.settings import Settings

PART = 5 * 1024 * 1024


@dataclass
class Live:
    """A served API; `client` acts as an owner of `project_id`."""

    settings: Settings
    database: Database
    store: Store
    project_id: str
    client: httpx.AsyncClient

    def headers(self, project_id: str | None = None, role: str = "owner") -> dict[str, str]:
        tokens = AccessTokens(
            self.settings.signing_secrets,
            self.settings.signing_key_id,
            lifetime=timedelta(minutes=5),
        )
        token = tokens.issue(
            user_id=new_id("usr"), project_id=project_id or self.project_id, role=role
        )
        return {"Authorization": f"Bearer {token}"}

    async def begin(self, size: int, **more: object) -> Any:
        """A new upload in parts of 5 MiB."""
        body = {"filename": "film.mp4", "size_bytes": size, **more}
        answer = await self.client.post("/v1/uploads", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def send(self, part: Any, data: bytes) -> httpx.Response:
        """Sends a part to its link, without the client's credentials."""
        async with httpx.AsyncClient() as nobody:
            return await nobody.request(
                part["method"], part["url"], content=data, headers=part["headers"]
            )

    async def upload(self, data: bytes, **more: object) -> Any:
        """A complete upload of these bytes; gives its last answer."""
        created = await self.begin(len(data), **more)
        for part in created["parts"]:
            begin = (part["number"] - 1) * created["part_bytes"]
            answer = await self.send(part, data[begin : begin + part["size_bytes"]])
            assert answer.status_code == 200, answer.text
        answer = await self.client.post(f"/v1/uploads/{created['id']}/complete")
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def serve(settings: Settings, database: Database, project_id: str) -> AsyncIterator[Live]:
    """Serves until the block ends; `settings.public_url` becomes where it listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = settings.model_copy(update={"public_url": url, "upload_part_bytes": PART})
    store = make_store(settings)
    app = create_app(settings, database=database, store=store)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
                await asyncio.sleep(0.01)
        live = Live(settings, database, store, project_id, httpx.AsyncClient(base_url=url))
        live.client.headers.update(live.headers())
        async with live.client:
            yield live
    finally:
        server.should_exit = True
        await serving
        listening.close()
        store.close()
