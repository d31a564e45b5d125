"""Refusals before the application, over connections whose every byte is seen."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import uvicorn

from app.foundation.http.admission import Admission
from app.foundation.http.refusing import refusing_protocol

BUSY = b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"


class Door:
    """A served application with room for one request; /busy takes it until `go_on`."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.go_on = asyncio.Event()
        self.seen: list[str] = []
        self.admission = Admission(self.application, most=1)
        self._address = address

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        if scope["path"] == "/busy":
            await self.go_on.wait()
        while (await receive())["more_body"]:
            pass
        body = scope["path"].encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def knock(self) -> "Caller":
        return Caller(*await asyncio.open_connection(*self._address))


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *pieces: bytes, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Sends the pieces, each by itself; status, fields and body of the next answer."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()
        first, *lines = head.strip().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        content = await self.reader.readexactly(int(fields["content-length"])) if body else b""
        return int(first.split()[1]), fields, content


@asynccontextmanager
async def opened() -> AsyncIterator[Door]:
    listening = socket.create_server(("127.0.0.1", 0))
    door = Door(listening.getsockname())
    config = uvicorn.Config(
        door.admission,
        http=refusing_protocol(door.admission),
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(lambda: serving)
        while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
            await asyncio.sleep(0.01)
        stack.callback(setattr, server, "should_exit", True)
        stack.callback(door.go_on.set)
        yield door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """All room is taken."""
    async with opened() as door:
        busy = await door.knock()
        busy.writer.write(BUSY)
        while door.seen != ["/busy"]:  # noqa: ASYNC110  # uvicorn sets no event
            await asyncio.sleep(0.01)
        yield door
        door.go_on.set()
        assert (await busy.ask())[0] == 200
        busy.writer.close()


async def test_a_refused_caller_may_ask_again_on_the_same_connection(door: Door) -> None:
    caller = await door.knock()
    for _ in range(2):
        status, fields, body = await caller.ask(
            b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: mine\r\n\r\n"
        )
        assert status == 503
        assert fields["retry-after"] == "1"
        assert fields["x-correlation-id"] == "mine"
        assert b'"instance":"/a"' in body
        assert b'"code":"overloaded"' in body
    assert (await caller.ask(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"/health"
    door.go_on.set()
    status, _, body = await caller.ask(b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, body) == (200, b"/again")
    caller.writer.close()


async def test_the_body_of_a_refused_request_is_no_request(door: Door) -> None:
    caller = await door.knock()
    inner = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /outer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
    assert (await caller.ask(head, inner[:10], inner[10:]))[0] == 503
    assert (await caller.ask(head + inner))[0] == 503
    door.go_on.set()
    assert (await caller.ask(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b"/next"
    assert "/inner" not in door.seen
    caller.writer.close()


async def test_who_is_refused_behind_an_answer_waits_for_it(door: Door) -> None:
    caller = await door.knock()
    await caller.ask(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    first, second, third = [
        await caller.ask(*pieces)
        for pieces in (
            [b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"],
            [],
            [b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"],
        )
    ]
    assert (first[2], second[0], third[2]) == (b"/health", 503, b"/metrics")
    caller.writer.close()


async def test_a_refused_head_has_no_body_and_a_last_request_ends_the_connection(
    door: Door,
) -> None:
    caller = await door.knock()
    assert (await caller.ask(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", body=False))[0] == 503
    last = await caller.ask(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert last[0] == 503
    assert await caller.reader.read() == b""
    caller.writer.close()


async def test_media_get_through(door: Door) -> None:
    caller = await door.knock()
    status, _, body = await caller.ask(
        b"PUT /film HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"
    )
    assert (status, body) == (200, b"/film")
    caller.writer.close()
