"""Load on one URL: as fast as it is answered, or at a given rate.

As fast as it goes is wrk's work where wrk is installed, since it takes less of the machine that the
server needs too; else this module's own.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

_ROOT = Path(__file__).parents[2]
_SUCCESSES = (200, 201)
_REFUSALS = (429, 503)
_WRK_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_WRK_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)")


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, and how.

    Args:
        rate: Requests a second, sent on time whether or not earlier ones are answered, as far as
            `connections` allows; 0 asks again as soon as there is an answer.
        may_be_refused: 429 and 503 are answers too.
        body: JSON to be posted; nothing is a GET.
    """

    url: str
    headers: Mapping[str, str]
    connections: int
    seconds: float
    rate: float = 0.0
    may_be_refused: bool = False
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back. Of requests that were refused, only `refused` tells.

    Args:
        latencies: In seconds, from when a request was due; empty if wrk asked.
        refused: The same, of those that were answered with 429 or 503.
    """

    per_second: float
    latencies: Sequence[float]
    refused: Sequence[float] = ()


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "tests.bench.load"


async def apply_load(load: Load) -> Answers:
    """Puts load on a server, from a process of its own.

    Raises:
        RuntimeError: an answer was no success, nor a refusal where there may be some.
    """
    if not load.rate and not load.may_be_refused and shutil.which("wrk"):
        return await asyncio.to_thread(_wrk, load)
    said = await asyncio.to_thread(
        _output_of, [sys.executable, "-m", "tests.bench.load", json.dumps(asdict(load))]
    )
    return Answers(**json.loads(said))


def _wrk(load: Load) -> Answers:
    headers = [f"-H{name}: {value}" for name, value in load.headers.items()]
    said = _output_of(
        ["wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds:g}s", *headers, load.url]
    )
    if wrong := _WRK_ERRORS.search(said):
        raise RuntimeError(wrong.group())
    rate = _WRK_RATE.search(said)
    if rate is None:
        raise RuntimeError(f"wrk said nothing of a rate:\n{said}")
    return Answers(float(rate[1]), [])


def _output_of(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class _Connection(asyncio.Protocol):
    """One request at a time; `answered` is set by each whole answer."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is no subclass of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server went away"))

    def on_message_complete(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(self._parser.get_status_code())

    async def ask(self, request: bytes) -> int:
        """The status of the answer."""
        if self._transport is None:
            raise RuntimeError("not connected")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered


async def _run(load: Load) -> Answers:
    url = urlsplit(load.url)
    lines = [f"{'POST' if load.body else 'GET'} {url.path} HTTP/1.1", f"Host: {url.netloc}"]
    lines += [f"{name}: {value}" for name, value in load.headers.items()]
    if load.body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(load.body)}"]
    request = ("\r\n".join(lines) + f"\r\n\r\n{load.body}").encode()
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(_Connection, url.hostname or "", url.port or 80))[1]
        for _ in range(load.connections)
    ]
    latencies: list[float] = []
    refused: list[float] = []
    in_time = 0
    begin = time.perf_counter()
    end = begin + load.seconds
    interval = load.connections / load.rate if load.rate else 0.0

    async def keep_asking(place: int, connection: _Connection) -> None:
        nonlocal in_time
        # Each connection has its own times, evenly between those of the others.
        due = begin + interval * place / load.connections
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await connection.ask(request)
            now = time.perf_counter()
            if status in _SUCCESSES:
                latencies.append(round(now - due, 6))
                in_time += now <= end
            elif load.may_be_refused and status in _REFUSALS:
                refused.append(round(now - due, 6))
            else:
                raise RuntimeError(f"answered with {status}")
            # A server that is late is asked late, and the delay counts as latency.
            due = due + interval if interval else now

    await asyncio.gather(*(keep_asking(n, each) for n, each in enumerate(connections)))
    return Answers(in_time / load.seconds, latencies, refused)


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_run(Load(**json.loads(sys.argv[1])))))))
