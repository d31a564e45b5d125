"""From an asynchronous body to a file, without blocking the loop and without much memory."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from app.foundation.storage.files import store_errors

# Large enough that the hop into a thread does not count, small enough for many bodies at once:
# two of these are in memory per body, one being written while the other is filled.
BATCH_BYTES = 1 << 20


class Sink(Protocol):
    """Takes bytes in a thread, one call at a time."""

    def write(self, data: bytes) -> None: ...


async def pour(body: AsyncIterator[bytes], sink: Sink) -> None:
    """Writes a body to a sink, gathering the next batch while the last one is written.

    When it raises, a call of `sink.write` may still be running in its thread.
    """
    batch: list[bytes] = []
    held = 0
    writing: asyncio.Task[None] | None = None
    try:
        async for block in body:
            batch.append(block)
            held += len(block)
            if held >= BATCH_BYTES:
                if writing is not None:
                    await writing
                writing = asyncio.create_task(asyncio.to_thread(sink.write, b"".join(batch)))
                batch, held = [], 0
        if writing is not None:
            await writing
    except BaseException:
        if writing is not None:
            # What broke the body off is what counts; a failed write beside it is of no interest.
            writing.add_done_callback(lambda write: write.cancelled() or write.exception())
        raise
    if batch:
        await asyncio.to_thread(sink.write, b"".join(batch))


class FileSink:
    """Writes to a descriptor, which it owns, from an offset on.

    A thread cannot be cancelled. The lock makes `close` wait for a write that is under way: a
    descriptor closed under it could by then be the number of somebody else's file.
    """

    def __init__(self, descriptor: int, *, offset: int = 0) -> None:
        self.descriptor = descriptor
        self._offset = offset
        self._closed = False
        self._lock = threading.Lock()
        self.size = 0

    def write(self, data: bytes) -> None:
        with self._lock:
            if self._closed:
                raise ValueError("the sink is closed")
            with store_errors():
                self._take(data)

    def _take(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self.descriptor, view, self._offset + self.size)
            self.size += written
            view = view[written:]

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.descriptor)


class Draft(FileSink):
    """A new file that is either published under a name or thrown away.

    Args:
        folder: Where it is written, on the filesystem it will be published on.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / secrets.token_hex(12)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with store_errors():
            super().__init__(os.open(self.path, flags, 0o644))

    def discard(self) -> None:
        """Closes the file, and removes it if it was not published."""
        self.close()
        self.path.unlink(missing_ok=True)
