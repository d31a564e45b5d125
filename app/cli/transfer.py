"""Parts of a file on their way to the object store, several at once, in flat memory."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx

from app.cli.api import Api, unreachable
from app.cli.errors import CommandFailed, Refused
from app.cli.links import Links, PartLink

AT_ONCE = 4
_BLOCK_BYTES = 1024 * 1024
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PAUSE_SECONDS = 0.25
_PAUSE_MOST_SECONDS = 3.0
_JOIN_SECONDS = 2.0


class Stopped(Exception):
    """Another part failed, or the person pressed Ctrl-C; the part in hand is left half sent."""


class Transfer:
    """Sends parts of one upload.

    Args:
        patience: Seconds for which a part is tried again while the store is away.
        sent: Told the bytes that went out, and minus those of a part that has to start again.
    """

    def __init__(
        self,
        api: Api,
        upload_id: str,
        path: Path,
        part_bytes: int,
        *,
        patience: float,
        sent: Callable[[int], None],
    ) -> None:
        self._api = api
        self._upload_id = upload_id
        self._path = path
        self._part_bytes = part_bytes
        self._patience = patience
        self._tell = sent
        self._telling = threading.Lock()
        self._stop = threading.Event()
        self._failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def send(self, numbers: Sequence[int]) -> None:
        """Sends parts; returns when the store has them all.

        Raises:
            Unreachable, Refused: what stopped the first part that could not be sent.
            KeyboardInterrupt: what was acknowledged by then stays.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in numbers:
            waiting.put(number)
        links = Links(self._api, self._upload_id, numbers)
        descriptor = os.open(self._path, os.O_RDONLY)
        # Daemons: an answer that never comes must not hold up Ctrl-C.
        threads = [
            threading.Thread(target=self._work, args=(descriptor, links, waiting), daemon=True)
            for _ in range(min(AT_ONCE, len(numbers)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._stop.set()
            end = time.monotonic() + _JOIN_SECONDS
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            if not any(thread.is_alive() for thread in threads):
                os.close(descriptor)
        if not self._failures.empty():
            raise self._failures.get()

    def _work(self, descriptor: int, links: Links, waiting: queue.SimpleQueue[int]) -> None:
        try:
            with httpx.Client(timeout=_TIMEOUT, trust_env=self._api.trust_env) as http:
                while not self._stop.is_set():
                    self._send_part(http, descriptor, links, waiting.get_nowait())
        except (queue.Empty, Stopped):
            return
        except (CommandFailed, OSError) as error:
            self._failures.put(error)
            self._stop.set()

    def _send_part(self, http: httpx.Client, descriptor: int, links: Links, number: int) -> None:
        deadline: float | None = None
        pause = _PAUSE_SECONDS
        while True:
            link = links.of(number)
            error = self._try_part(http, descriptor, link)
            if error is None:
                return
            if isinstance(error, Refused) and error.code == "signature_expired":
                links.renew(number)
            elif isinstance(error, Refused) and error.status < 500 and error.status != 429:
                raise error
            deadline = deadline or time.monotonic() + self._patience
            if time.monotonic() + pause > deadline:
                if isinstance(error, Refused):
                    raise error
                raise unreachable(self._api.server, error)
            if self._stop.wait(pause):
                raise Stopped
            pause = min(2 * pause, _PAUSE_MOST_SECONDS)

    def _try_part(
        self, http: httpx.Client, descriptor: int, link: PartLink
    ) -> Refused | httpx.TransportError | None:
        """Sends a part once.

        Returns:
            Why it did not arrive; None when the store has acknowledged it.
        """
        gone = 0

        def body() -> Iterator[bytes]:
            nonlocal gone
            for block in self._blocks(descriptor, link):
                yield block
                gone += len(block)
                self._sent(len(block))

        headers = {**link.headers, "Content-Length": str(link.size)}
        try:
            answer = http.request(link.method, link.url, headers=headers, content=body())
        except httpx.TransportError as error:
            self._sent(-gone)
            return error
        except BaseException:
            self._sent(-gone)
            raise
        if answer.is_success:
            return None
        self._sent(-gone)
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        return Refused(answer.status_code, problem if isinstance(problem, dict) else {})

    def _sent(self, count: int) -> None:
        with self._telling:
            self._tell(count)

    def _blocks(self, descriptor: int, link: PartLink) -> Iterator[bytes]:
        begin = (link.number - 1) * self._part_bytes
        for offset in range(begin, begin + link.size, _BLOCK_BYTES):
            if self._stop.is_set():
                raise Stopped
            wanted = min(_BLOCK_BYTES, begin + link.size - offset)
            block = os.pread(descriptor, wanted, offset)
            if len(block) != wanted:
                raise CommandFailed(f"{self._path} has become shorter while it was sent.")
            yield block
