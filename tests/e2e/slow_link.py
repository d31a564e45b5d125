"""A TCP proxy that can be held still, so that what passes through it is cut off in the middle."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_BLOCK = 64 * 1024


class SlowLink:
    """Listens on a port of its own and passes everything on.

    Args:
        target: Gives the port to pass it on to, when somebody connects.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left: int | None = None
        self._open = threading.Event()
        self._open.set()
        self.held = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def hold_after(self, count: int) -> None:
        """Lets so many bytes of clients through, over all connections, and then no more."""
        with self._lock:
            self._left = count
        self.held.clear()

    def release(self) -> None:
        with self._lock:
            self._left = None
        self._open.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target()))
            except OSError:
                return
            for source, sink, counted in ((client, server, True), (server, client, False)):
                pump = threading.Thread(target=self._pump, args=(source, sink, counted))
                pump.daemon = True
                pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while block := source.recv(_BLOCK):
                if counted:
                    self._count(len(block))
                sink.sendall(block)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _count(self, count: int) -> None:
        with self._lock:
            if self._left is not None:
                self._left -= count
                if self._left < 0:
                    self._open.clear()
                    self.held.set()
        self._open.wait()
