"""How many requests run at once: the outermost ASGI layer, so that a refusal costs next to nothing.

A server that takes on more than it can do answers everybody late, and then nobody in time. One
that refuses what is too much keeps its pace, and a refused client knows at once and may come back.
"""

from collections.abc import Iterable

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter

from app.foundation.http.problems import MEDIA_TYPE, problem
from app.foundation.telemetry import correlation
from app.foundation.telemetry.seldom import Seldom
from app.settings import MIB

REFUSED = Counter("http_requests_refused_total", "Requests that were one too many: 503.")

_Headers = Iterable[tuple[bytes, bytes]]
_log = structlog.get_logger("spool.http")
_CORRELATION = correlation.HEADER.lower().encode()
# Who watches and measures a busy server has to get through.
_ALWAYS = frozenset({"/health", "/ready", "/metrics"})
# Larger than any JSON that is taken: media, whose pace is the network's.
_MEDIA_BYTES = MIB


class Admission:
    """Refuses with 503 `overloaded` while `most` requests wait for the first byte of their answer.

    Media that are sent here do not count, and an answer that has begun (a file, a stream of
    events) counts no more: they take as long as the other side does, and little of this one.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._running = 0
        self._seldom = Seldom()

    @property
    def full(self) -> bool:
        """Whether the next request is one too many, if it counts."""
        return self._running >= self._most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not _counts(scope["path"], scope["headers"]):
            await self._app(scope, receive, send)
            return
        if self.full:
            headers, content = self._refusal(scope["path"], scope["headers"])
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": content, "more_body": False})
            return
        waits = True

        def answered() -> None:
            nonlocal waits
            if waits:
                waits = False
                self._running -= 1

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered()
            await send(message)

        self._running += 1
        try:
            await self._app(scope, receive, send_on)
        finally:
            answered()

    def refuse_early(self, path: str, headers: _Headers) -> bytes | None:
        """The whole answer to a request that this would refuse, for who has read its head."""
        if not self.full or not _counts(path, headers):
            return None
        fields, content = self._refusal(path, headers)
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        return b"HTTP/1.1 503 Service Unavailable\r\n%b\r\n%b" % (head, content)

    def _refusal(self, path: str, headers: _Headers) -> tuple[list[tuple[bytes, bytes]], bytes]:
        REFUSED.inc()
        if self._seldom.due():
            _log.warning("http.overloaded", requests=self._running)
        given = next((value for name, value in headers if name == _CORRELATION), b"")
        correlation_id = correlation.keep_or_make(given.decode("latin-1"))
        content = msgspec.json.encode(
            problem(
                "overloaded",
                503,
                "Too many requests at once. Nothing was done; try again in a second or later.",
                path=path,
                correlation_id=correlation_id,
            )
        )
        return [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"retry-after", b"1"),
            (_CORRELATION, correlation_id.encode()),
        ], content


def _counts(path: str, headers: _Headers) -> bool:
    if path in _ALWAYS:
        return False
    for name, value in headers:
        if name == b"content-length":
            return int(value) <= _MEDIA_BYTES
        if name == b"transfer-encoding":
            return False  # who knows how much
    return True
