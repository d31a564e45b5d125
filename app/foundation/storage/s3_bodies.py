"""Bodies of requests that lie in files: read again from the start when a request is tried again."""

import io
import os
import tempfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

from app.foundation.storage.files import store_errors
from app.foundation.storage.streams import FileSink


class FileSlice(io.RawIOBase):
    """Some bytes of an open file, which may be read in several threads at once by several of these.

    Args:
        descriptor: Of the file; stays open.
        begin: Offset of the first byte.
    """

    def __init__(self, descriptor: int, begin: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._begin = begin
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # wider in typeshed
        wanted = min(len(buffer), max(0, self._size - self._at))
        read = os.preadv(self._descriptor, [memoryview(buffer)[:wanted]], self._begin + self._at)
        self._at += read
        return read

    def __len__(self) -> int:
        return self._size


class Spool(FileSink):
    """A body on its way, in a file without a name: nothing of it outlives the process.

    Args:
        folder: On a disk that has room for it. Default: the system's folder for such files.
    """

    def __init__(self, folder: Path | None) -> None:
        with store_errors():
            descriptor, name = tempfile.mkstemp(dir=folder)
            Path(name).unlink()
        super().__init__(descriptor)
        self.crc = 0

    def _take(self, data: bytes) -> None:
        super()._take(data)
        self.crc = zlib.crc32(data, self.crc)

    def body(self) -> FileSlice:
        return FileSlice(self.descriptor, 0, self.size)


class Portions:
    """A body cut into bodies of `size` bytes, or fewer in the last; each is read to its end."""

    def __init__(self, body: AsyncIterator[bytes], size: int) -> None:
        self._body = body
        self._size = size
        self._ahead = b""

    async def more(self) -> bool:
        """Whether bytes are left; waits for one."""
        while not self._ahead:
            try:
                self._ahead = await anext(self._body)
            except StopAsyncIteration:
                return False
        return True

    async def next(self) -> AsyncIterator[bytes]:
        left = self._size
        while left and await self.more():
            block, self._ahead = self._ahead[:left], self._ahead[left:]
            left -= len(block)
            yield block
