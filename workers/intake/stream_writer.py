"""One stream's bytes on their way into parts, as the reader of its shard holds them in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from app.foundation.errors import Invalid, TooLarge
from app.foundation.storage.protocols import MultipartStore
from app.intake.assembly import Assembly
from app.intake.progress import Progress
from app.intake.records import Data, End

# Reads the durable bytes of a stream from an offset on.
ReadChunks = Callable[[str, int], Awaitable[bytes]]


class StreamWriter:
    """Takes the data of one stream in order and stores parts as they fill.

    Args:
        saved: What is durable; the writer holds what is behind that. None before the stream's
            first record.
    """

    def __init__(
        self, saved: Progress | None, store: MultipartStore, read_chunks: ReadChunks
    ) -> None:
        self.saved = saved
        self.assembly = Assembly(saved.next_seq if saved else 0)
        self.size = saved.size if saved else 0
        self._parts = saved.parts if saved else 0
        self._store = store
        self._read_chunks = read_chunks
        # The last bytes, up to `size`: what is in no part and not durable.
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    @property
    def dirty(self) -> bool:
        return self.saved is not None and self.assembly.next_seq != self.saved.next_seq

    @property
    def tail(self) -> bytes:
        return bytes(self._buffer)

    @property
    def progress(self) -> Progress:
        """What will be durable once `tail` is saved with it."""
        return replace(
            self._begun, next_seq=self.assembly.next_seq, size=self.size, parts=self._parts
        )

    @property
    def _begun(self) -> Progress:
        if self.saved is None:
            raise RuntimeError("the stream's first record was not taken")
        return self.saved

    def is_saved(self) -> None:
        """`progress` and `tail` were committed."""
        self.saved = self.progress
        self._buffer.clear()

    async def write(self, record: Data) -> None:
        """Takes bytes; stores a part where that fills one.

        Raises:
            TooLarge: upload_too_large.
            NoSuchUpload: the upload has ended meanwhile.
            StoreUnavailable: nothing is lost; all is read again from the checkpoint.
        """
        limit = self._begun.limit
        if self.size + len(record.data) > limit:
            raise TooLarge(
                "upload_too_large", f"The stream has more than the {limit} bytes it may have."
            )
        self._buffer += record.data
        self.size += len(record.data)
        while self.size - self._stored >= self._begun.part_bytes:
            await self._store_part(self._begun.part_bytes)

    async def finish(self, end: End) -> Progress:
        """Stores what is left as the last part; gives the progress before the stream's end.

        Raises:
            Invalid: upload_empty or upload_size_mismatch.
            NoSuchUpload, StoreUnavailable: as `write`.
        """
        if self.size == 0:
            raise Invalid("upload_empty", "The stream has no bytes.")
        if self.size != end.size:
            raise Invalid(
                "upload_size_mismatch",
                f"{self.size} bytes came, and the stream's last record speaks of {end.size}.",
            )
        if self.size > self._stored:
            await self._store_part(self.size - self._stored)
        return replace(self.progress, next_seq=end.seq)

    @property
    def _stored(self) -> int:
        return min(self._parts * self._begun.part_bytes, self.size)

    async def _store_part(self, size: int) -> None:
        begun, begin = self._begun, self._stored
        head = b""
        if begin < self.size - len(self._buffer):
            head = await self._read_chunks(begun.id, begin)
        rest = size - len(head)
        body = head + self._buffer[:rest]
        if len(body) != size:
            raise RuntimeError(f"{len(body)} bytes of {size} are there for part {self._parts + 1}")
        await self._store.put_part(
            begun.object_key,
            begun.store_upload_id,
            self._parts + 1,
            _once(bytes(body)),
            content_length=size,
            size=size,
        )
        self._parts += 1
        del self._buffer[:rest]


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
