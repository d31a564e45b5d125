"""Makes one object of partial uploads: from the store, through a little memory, to the store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.storage.protocols import Store
from app.uploads.completion import object_is_whole
from app.uploads.models import Upload
from app.uploads.parts import Cut
from app.uploads.service import cut_of
from app.uploads.tus_models import TusUpload


@dataclass(frozen=True, slots=True)
class Piece:
    """The object of a partial upload."""

    key: str
    size: int


async def pieces_of(tx: AsyncSession, upload_id: str) -> list[Piece]:
    """What a final upload is joined from, in order; empty for every other upload."""
    partial_ids = await tx.scalar(
        select(TusUpload.partial_ids).where(TusUpload.upload_id == upload_id)
    )
    rows = await tx.execute(
        select(Upload.id, Upload.object_key, Upload.size_bytes).where(
            Upload.id.in_(partial_ids or [])
        )
    )
    found = {upload_id: Piece(key, size) for upload_id, key, size in rows}
    return [found[each] for each in partial_ids or []]


async def join_pieces(store: Store, upload: Upload, pieces: Sequence[Piece]) -> None:
    """Makes the upload's object of the pieces, which are gone then. Again: nothing.

    Raises:
        StoreError: the store is away; the pieces are still there, unless the object is.
    """
    if not await object_is_whole(store, upload):
        cut = cut_of(upload)
        multipart_id = await store.create_multipart(
            upload.object_key, content_type=upload.content_type, part_size=cut.part_size
        )
        try:
            parts = [
                await store.put_part(
                    upload.object_key,
                    multipart_id,
                    number,
                    _read(store, pieces, cut, number),
                    content_length=cut.size_of(number),
                    size=cut.size_of(number),
                )
                for number in range(1, cut.count + 1)
            ]
            await store.complete_multipart(upload.object_key, multipart_id, parts)
        except BaseException:
            await store.abort_multipart(upload.object_key, multipart_id)
            raise
    await store.delete(*(piece.key for piece in pieces))


async def _read(
    store: Store, pieces: Sequence[Piece], cut: Cut, number: int
) -> AsyncIterator[bytes]:
    """The bytes of one part of the whole, out of however many pieces they are in."""
    begin = (number - 1) * cut.part_size
    end = begin + cut.size_of(number)
    at = 0
    for piece in pieces:
        first, last = max(begin, at) - at, min(end, at + piece.size) - at
        if first < last:
            async for block in store.read(piece.key, start=first, end=last):
                yield block
        at += piece.size
