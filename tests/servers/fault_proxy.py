"""A proxy that harms the HTTP requests that pass it, by shares that may be set while it runs.

    with FaultProxy("127.0.0.1", 9324, seed=4) as proxy:
        client = boto3.client("sqs", endpoint_url=proxy.url, …)
        proxy.error_share = 0.3
        …
        assert proxy.counts["error"] > 0

It runs in a thread with a loop of its own, so that clients may block. Requests pass unchanged, the
field Host too: whoever signs for the proxy's address is believed by a server that checks it.

What can become of a request, as `counts` names it:

    forwarded  it was carried out, and its answer passed on
    error      it never reached the server: 503
    reset      it never reached the server: the connection was reset, perhaps within the body
    cut        it was carried out, and the connection was reset within the answer
    duplicate  it was carried out twice, and the second answer passed on
    refused    the proxy was `down`
    answered   it never reached the server: the proxy's `answer` was given
"""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.servers.http_messages import Head, body_of

# Larger bodies pass once: they would have to be kept to be sent again.
_DUPLICATED_BYTES = 16 * 1024 * 1024
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class FaultProxy:
    """Shares are of 0 to 1 and are drawn in the order of the list above; settable at any time.

    Args:
        seed: Of the draws: requests in the same order meet the same faults.
    """

    def __init__(self, upstream_host: str, upstream_port: int, *, seed: int = 0) -> None:
        self.error_share = 0.0
        self.error_status = 503
        self.reset_share = 0.0
        self.cut_share = 0.0
        self.duplicate_share = 0.0
        self.delay_seconds = 0.0
        """Each request waits for a random part of this first."""
        self.answer: Callable[[Head], tuple[int, bytes] | None] = lambda _: None
        """Asked with every request: a status and JSON to answer with instead of the server."""
        self.counts: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        self._upstream = (upstream_host, upstream_port)
        self._random = random.Random(seed)  # noqa: S311  # faults, not secrets
        self._down = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        assert self._server is not None, "the proxy is not running"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def down(self) -> bool:
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        """While it is true, connections are reset as they come; those that are open, at once."""
        self._down = down
        if down:
            self._run(self._drop_connections())

    @property
    def requests(self) -> int:
        """How many came in all, harmed or not; those that met a proxy that was down as well."""
        return sum(self.counts.values())

    def heal(self) -> None:
        """From now on every request passes."""
        self.error_share = self.reset_share = self.cut_share = self.duplicate_share = 0.0
        self.delay_seconds = 0.0
        self.answer = lambda _: None
        self.down = False

    def _run(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, self.host, 0)

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._drop_connections()

    async def _drop_connections(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            self.counts["refused"] += 1
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            async with asyncio.timeout(300):
                await self._serve(reader, writer)
        except (*_BROKEN, TimeoutError, asyncio.CancelledError):
            # A cancellation is the proxy going down: the streams' own callback must not see it.
            _reset(writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The requests of one connection, for as long as both sides keep it."""
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while (head := await Head.read(reader)) is not None:
                self.methods[head.method] += 1
                answer = self.answer(head)
                outcome = "answered" if answer else self._draw()
                if self.delay_seconds:
                    await asyncio.sleep(self._random.uniform(0, self.delay_seconds))
                self.counts[outcome] += 1
                if answer or outcome == "error":
                    await _answer(*(answer or (self.error_status, b"")), head, reader, writer)
                    return
                if outcome == "reset":
                    await self._reset_within(head, reader, writer)
                    return
                server = server or await asyncio.open_connection(*self._upstream)
                if outcome == "duplicate":
                    keep = await self._pass_twice(head, reader, writer, server)
                else:
                    body = _body(reader, head)
                    cut = outcome == "cut"
                    keep = await _pass(head.raw, head.method, body, server, writer, cut=cut)
                if not keep or head.ends_connection:
                    return
        finally:
            if server is not None:
                server[1].close()

    def _draw(self) -> str:
        drawn = self._random.random()
        for outcome, share in (
            ("error", self.error_share),
            ("reset", self.reset_share),
            ("cut", self.cut_share),
            ("duplicate", self.duplicate_share),
        ):
            if drawn < share:
                return outcome
            drawn -= share
        return "forwarded"

    async def _reset_within(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if "expect" not in head.fields and self._random.random() < 0.5:
            async for _ in _body(reader, head):
                break
        _reset(writer)

    async def _pass_twice(
        self,
        head: Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        if int(head.fields.get("content-length", "0")) > _DUPLICATED_BYTES:
            self.counts.subtract(["duplicate"])
            self.counts["forwarded"] += 1
            return await _pass(head.raw, head.method, _body(reader, head), server, writer)
        if "expect" in head.fields:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        raw = head.without("expect")
        body = [block async for block in _body(reader, head)]
        first = await asyncio.open_connection(*self._upstream)
        try:
            await _pass(raw, head.method, _given(body), first, None)
        finally:
            first[1].close()
        return await _pass(raw, head.method, _given(body), server, writer)


async def _answer(
    status: int,
    content: bytes,
    head: Head,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    # Unread bytes would make the kernel reset the connection and take the answer with it.
    if "expect" not in head.fields:
        async for _ in _body(reader, head):
            pass
    lines = (
        f"HTTP/1.1 {status} Harmed",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
    )
    writer.write("\r\n".join((*lines, "", "")).encode() + content)
    await writer.drain()


async def _pass(
    raw: bytes,
    method: str,
    body: AsyncIterable[bytes],
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    client: asyncio.StreamWriter | None,
    *,
    cut: bool = False,
) -> bool:
    """Carries a request to the server and its answer back; whether both go on after it."""
    from_server, to_server = server
    # Beside the answer: a server may speak before the body is whole, with 100 or with an error.
    sending = asyncio.create_task(_send(raw, body, to_server))
    try:
        while True:
            head = await Head.read(from_server)
            if head is None:
                raise ConnectionResetError("the server went away")
            if cut and head.status >= 200:
                await _cut(head, method, from_server, client)
            await _write(client, head.raw)
            if head.status >= 200:
                break
        if head.has_body(of_request=method):
            async for block in body_of(from_server, head):
                await _write(client, block)
        framed = "content-length" in head.fields or "transfer-encoding" in head.fields
        bare = not head.has_body(of_request=method)
        return sending.done() and (framed or bare) and not head.ends_connection
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, *_BROKEN):
            await sending


async def _cut(
    head: Head,
    method: str,
    from_server: asyncio.StreamReader,
    client: asyncio.StreamWriter | None,
) -> None:
    """Passes on half of the answer's head, or all of it and half of the first bytes of the body."""
    if not head.has_body(of_request=method):
        await _write(client, head.raw[: len(head.raw) // 2])
    else:
        await _write(client, head.raw)
        async for block in body_of(from_server, head):
            await _write(client, block[: len(block) // 2])
            break
    raise ConnectionResetError("cut")


async def _send(raw: bytes, body: AsyncIterable[bytes], to_server: asyncio.StreamWriter) -> None:
    to_server.write(raw)
    async for block in body:
        to_server.write(block)
        await to_server.drain()


async def _write(client: asyncio.StreamWriter | None, data: bytes) -> None:
    if client is not None:
        client.write(data)
        await client.drain()


async def _body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    if head.has_body():
        async for block in body_of(reader, head):
            yield block


async def _given(blocks: list[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST, as a machine does that lost its memory of it."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
