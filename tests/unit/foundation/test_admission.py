"""Admission, around an application that answers when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.foundation.http.admission import REFUSED, Admission

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"", "more_body": False}


class Asked:
    """A request under way, and what has been answered."""

    def __init__(self, admission: Admission, path: str, headers: dict[str, str]) -> None:
        self.said: list[Any] = []
        self.begin, self.end = asyncio.Event(), asyncio.Event()
        scope = {
            "type": "http",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "asked": self,
        }
        self.task = asyncio.ensure_future(admission(scope, self.receive, self.send))  # type: ignore[arg-type]  # a small scope

    async def receive(self) -> Any:
        raise AssertionError("nothing is read")

    async def send(self, message: Any) -> None:
        self.said.append(message)

    @property
    def status(self) -> int | None:
        return self.said[0]["status"] if self.said else None


async def application(scope: Any, _receive: Any, send: Any) -> None:
    asked: Asked = scope["asked"]
    await asked.begin.wait()
    await send(START)
    await asked.end.wait()
    await send(END)


class Clients:
    def __init__(self, most: int) -> None:
        self._admission = Admission(application, most=most)
        self.all: list[Asked] = []

    async def ask(self, path: str = "/v1/assets", **headers: str) -> Asked:
        """Asks, and lets everybody go on as far as they can."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.all.append(Asked(self._admission, path, named))
        await self.settle()
        return self.all[-1]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients(most=2)
    yield clients
    for each in clients.all:
        each.task.cancel()
    await asyncio.gather(*(each.task for each in clients.all), return_exceptions=True)


async def test_one_too_many_is_told_so_at_once(clients: Clients) -> None:
    before = REFUSED._value.get()
    first, second = await clients.ask(), await clients.ask()
    third = await clients.ask(x_correlation_id="mine")
    assert (first.status, second.status, third.status) == (None, None, 503)
    start, body = third.said
    headers = dict(start["headers"])
    assert headers[b"retry-after"] == b"1"
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert headers[b"x-correlation-id"] == b"mine"
    told = msgspec.json.decode(body["body"])
    assert (told["code"], told["correlation_id"]) == ("overloaded", "mine")
    assert told["instance"] == "/v1/assets"
    assert REFUSED._value.get() == before + 1


async def test_who_has_begun_to_answer_makes_room_and_ends_without_making_more(
    clients: Clients,
) -> None:
    first = await clients.ask()
    await clients.ask()
    first.begin.set()
    await clients.settle()
    assert (await clients.ask()).status is None
    first.end.set()
    await first.task
    assert (await clients.ask()).status == 503


async def test_who_fails_or_leaves_makes_room(clients: Clients) -> None:
    first, _ = await clients.ask(), await clients.ask()
    first.task.cancel()
    await clients.settle()
    assert (await clients.ask()).status is None


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_who_watches_gets_through(clients: Clients, path: str) -> None:
    await clients.ask()
    await clients.ask()
    assert (await clients.ask(path)).status is None


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({"content_length": "1048576"}, True),
        ({"content_length": "1048577"}, False),
        ({"transfer_encoding": "chunked"}, False),
        ({}, True),
    ],
)
async def test_media_do_not_count(clients: Clients, headers: dict[str, str], counts: bool) -> None:
    for _ in range(2):
        await clients.ask(**headers)
    assert (await clients.ask()).status == (503 if counts else None)
    assert (await clients.ask(**headers)).status == (503 if counts else None)
