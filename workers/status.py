"""A worker's /health, /ready and /metrics, over HTTP on a port of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.foundation.db.database import Database
from app.foundation.sqs import SQS_ERRORS, QueueMissing
from app.foundation.storage.errors import StoreError
from app.foundation.storage.protocols import Store
from workers.leases import DATABASE_AWAY
from workers.task_broker import loop_thread

_ANSWER_SECONDS = 5.0

# Asks the queue, in the thread of the request; raises QueueMissing, or what SQS_ERRORS names.
CheckQueue = Callable[[], object]


class Seams(Protocol):
    """What a process needs to be ready."""

    @property
    def database(self) -> Database: ...

    @property
    def store(self) -> Store: ...


class StatusServer(ThreadingHTTPServer):
    """Answers until closed. Health is that the event loop turns; ready, that its seams answer.

    Not well is also who is refused by the database: a restart reads the new password.

    Args:
        loop: The process's event loop; by default that of Dramatiq's thread.
        check_queue: None where the database is the queue.
    """

    daemon_threads = True

    def __init__(
        self,
        host: str,
        port: int,
        services: Seams,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        check_queue: CheckQueue | None = None,
    ) -> None:
        super().__init__((host, port), _Handler)
        self.services = services
        self._loop = loop
        self._check_queue = check_queue
        threading.Thread(target=self.serve_forever, name="status", daemon=True).start()

    def health(self) -> str | None:
        """Why the worker is not well; None when it is."""
        return self._ask(_nothing()) or self.services.database.refused

    def readiness(self) -> str | None:
        """Why the worker cannot work; None when it can."""
        return self._ask(_check(self.services)) or self._queue_trouble()

    def _queue_trouble(self) -> str | None:
        if self._check_queue is None:
            return None
        try:
            self._check_queue()
        except (QueueMissing, *SQS_ERRORS) as error:
            return f"queue: {type(error).__name__}"
        return None

    def _ask(self, question: Coroutine[object, object, str | None]) -> str | None:
        answer = asyncio.run_coroutine_threadsafe(question, self._loop or loop_thread().loop)
        try:
            return answer.result(_ANSWER_SECONDS)
        except TimeoutError:
            answer.cancel()
            return "the event loop does not answer"


async def _nothing() -> None:
    return None


async def _check(services: Seams) -> str | None:
    try:
        await services.database.now()
    except DATABASE_AWAY as error:
        return f"database: {type(error).__name__}"
    try:
        await services.store.check()
    except StoreError as error:
        return f"store: {error}"
    return None


class _Handler(BaseHTTPRequestHandler):
    server: StatusServer

    def do_GET(self) -> None:  # the name that http.server calls
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
            case "/health":
                self._report(self.server.health())
            case "/ready":
                self._report(self.server.readiness())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"/health, /ready, /metrics\n")

    def _report(self, trouble: str | None) -> None:
        if trouble is None:
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{trouble}\n".encode())

    def _answer(
        self, status: HTTPStatus, body: bytes, content_type: str = "text/plain; charset=utf-8"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the base class
        """Scrapes are not news."""
