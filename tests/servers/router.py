"""A load balancer that goes by the table of paths: a reverse proxy on a free port of 127.0.0.1.

Bodies pass in both directions as they come. What the client sent beside hop-by-hop headers (RFC
9110, 7.6.1) arrives unchanged, `Host` too.
"""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.paths import role_of

_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class Router:
    """The proxy, and how many requests each role was sent.

    Args:
        targets: Where each role listens, by its name.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = dict(targets)
        self._client = httpx.AsyncClient(timeout=60)
        self.sent = dict.fromkeys(targets, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            await (await self._pass_on(request))(scope, receive, send)

    async def _pass_on(self, request: Request) -> Response:
        role = role_of(request.url.path)
        self.sent[role] += 1
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope["raw_path"].decode()
        headers = [(n, v) for n, v in request.headers.items() if n not in _HOP_BY_HOP]
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        passed = self._client.build_request(
            request.method,
            f"{self._targets[role]}{path}{query}",
            headers=headers,
            content=request.stream() if has_body else None,
        )
        try:
            answer = await self._client.send(passed, stream=True)
        except httpx.TransportError:
            return Response(status_code=503)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for block in answer.aiter_raw():
                    yield block
            finally:
                await answer.aclose()

        streamed = StreamingResponse(body(), status_code=answer.status_code)
        streamed.raw_headers = [
            (name, value)
            for name, value in answer.headers.raw
            if name.decode().lower() not in _HOP_BY_HOP
        ]
        return streamed


@contextmanager
def routing(targets: Mapping[str, str], port: int = 0) -> Iterator[tuple[str, Router]]:
    """The proxy's address and the proxy, until the block ends."""
    router = Router(targets)
    with serving(router, socket.create_server(("127.0.0.1", port))) as url:
        yield url, router


@contextmanager
def serving(
    app: Any,  # of ASGI, for whose types each framework has its own
    bound: socket.socket | None = None,
    *,
    lifespan: Literal["on", "off"] = "off",
) -> Iterator[str]:
    """An application on a port of 127.0.0.1, in a thread; its address once it answers."""
    with bound or socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, lifespan=lifespan, log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 15
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                assert time.monotonic() < deadline, "the server takes too long to start"
                thread.join(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
