"""The bytes of one PATCH, on their way into the store. No transaction is open while they arrive.

    parts   …  part n-1 │ tail object │ bytes of this PATCH …
                        │◀──────── part n ────────▶│

S3 takes no part below 5 MiB but the last, so what does not fill a part yet waits in an object of
its own, the tail, which the next PATCH puts before its bytes. Each step is first durable in the
store and then counted in the row: whatever dies in between, the offset in the row is true.

At most one part's bytes are in memory.
"""

import hmac
from collections.abc import AsyncIterator
from contextlib import suppress

from app.foundation.db.database import Database
from app.foundation.errors import SpoolError, TooLarge
from app.foundation.storage.errors import StoreError
from app.foundation.storage.protocols import Store
from app.uploads.simple import Interrupted
from app.uploads.tus_headers import Checksum
from app.uploads.tus_lease import Hold, locked, record


class ChecksumMismatch(SpoolError):
    """The status is tus' own."""

    status = 460


class Appending:
    """One PATCH.

    Args:
        hold: The lease; its offset and tail move on with what is stored.
        max_bytes: What the upload may have, where its length is not known.
        checksum: Of all bytes of the PATCH; without it nothing of them counts.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        hold: Hold,
        *,
        max_bytes: int,
        checksum: Checksum | None,
    ) -> None:
        self._database = database
        self._store = store
        self._hold = hold
        self._end = max_bytes if hold.length is None else hold.length
        self._checksum = checksum
        self._digest = checksum.hasher() if checksum else None
        self._buffer: list[bytes] = []
        self._held = 0
        # Of parts that the store has and the row does not.
        self._etags: list[str] = []
        self._counted_tail = hold.tail_key

    async def run(self, chunks: AsyncIterator[bytes]) -> int:
        """Stores the bytes; gives the new offset.

        Raises:
            Interrupted: the body broke off. What came is stored, if no checksum was to be kept.
            ChecksumMismatch: upload_checksum_mismatch; nothing is counted.
            TooLarge: upload_too_large; more than the upload may have.
            Locked: upload_locked; the lease is lost.
            StoreError: the store is away, or the upload was called off.
        """
        broken: Interrupted | None = None
        try:
            async for chunk in chunks:
                await self._take(chunk)
        except Interrupted as error:
            if self._checksum is not None:
                raise
            broken = error
        self._verify()
        await self._store_rest()
        if broken is not None:
            raise broken
        return self._hold.offset

    async def _take(self, chunk: bytes) -> None:
        if self._hold.lost:
            raise locked()
        if self._hold.offset + self._held + len(chunk) > self._end:
            raise TooLarge(
                "upload_too_large", f"More bytes came than the upload may have: {self._end}."
            )
        if self._digest is not None:
            self._digest.update(chunk)
        rest = memoryview(chunk)
        while rest:
            piece = rest[: self._hold.part_bytes - self._in_tail - self._held]
            self._buffer.append(bytes(piece))
            self._held += len(piece)
            rest = rest[len(piece) :]
            if self._in_tail + self._held == self._hold.part_bytes:
                await self._store_part()
                if self._checksum is None:
                    await self._count()

    @property
    def _in_tail(self) -> int:
        return self._hold.offset % self._hold.part_bytes

    def _verify(self) -> None:
        if self._checksum is None or self._digest is None:
            return
        if not hmac.compare_digest(self._digest.digest(), self._checksum.digest):
            raise ChecksumMismatch(
                "upload_checksum_mismatch",
                "The bytes that arrived do not have the checksum that was sent with them. None of "
                "them were kept; send them again.",
            )

    async def _store_rest(self) -> None:
        end = self._hold.offset + self._held
        if self._in_tail + self._held and end == self._hold.length:
            await self._store_part()
        elif self._held:
            await self._store_tail()
        if self._etags or self._hold.tail_key != self._counted_tail:
            await self._count()

    async def _store_part(self) -> None:
        size = self._in_tail + self._held
        part = await self._store.put_part(
            self._hold.object_key,
            self._hold.store_upload_id,
            self._hold.offset // self._hold.part_bytes + 1,
            self._pending(),
            content_length=size,
            size=size,
        )
        self._etags.append(part.etag)
        self._move_on(tail_key=None)

    async def _store_tail(self) -> None:
        key = self._hold.new_tail_key(self._hold.offset + self._held)
        await self._store.put(key, self._pending())
        self._move_on(tail_key=key)

    async def _pending(self) -> AsyncIterator[bytes]:
        """What the part in the making has: the tail, and the bytes behind it."""
        if self._hold.tail_key is not None:
            async for block in self._store.read(self._hold.tail_key):
                yield block
        for piece in self._buffer:
            yield piece

    def _move_on(self, *, tail_key: str | None) -> None:
        self._hold.offset += self._held
        self._hold.tail_key = tail_key
        self._buffer, self._held = [], 0

    async def _count(self) -> None:
        """The row says from here on what the store has."""
        hold = self._hold
        async with self._database.project(hold.project_id) as tx:
            await record(tx, hold, self._etags)
        self._etags = []
        if self._counted_tail is not None and self._counted_tail != hold.tail_key:
            # If that fails, it goes with the upload.
            with suppress(StoreError):
                await self._store.delete(self._counted_tail)
        self._counted_tail = hold.tail_key
