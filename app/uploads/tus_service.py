"""Uploads by tus: the rows behind the offsets. Once all has arrived they are like others."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.ids import new_id
from app.foundation.errors import Conflict, Forbidden, Gone, NotFound, TooLarge
from app.foundation.storage.errors import NoSuchUpload, PartInvalid
from app.foundation.storage.protocols import Part, Store
from app.uploads.completion import accept_source, object_is_whole
from app.uploads.models import Upload, UploadState
from app.uploads.policy import UploadPolicy
from app.uploads.service import (
    TUS,
    Announced,
    begin_multipart,
    check_size,
    cut_of,
    fail_upload,
    get_upload,
    insert_row,
    insert_upload,
)
from app.uploads.states import OPEN, move_upload
from app.uploads.tus_lease import Hold, claim, tail_prefix
from app.uploads.tus_models import Concat, TusUpload


@dataclass(frozen=True, slots=True)
class Creation:
    """What a client asks for when it begins.

    Args:
        file: Without a size where the client says it later.
        metadata_header: Upload-Metadata, to be given back.
    """

    file: Announced
    metadata_header: str
    partial: bool = False


async def create(
    tx: AsyncSession, store: Store, policy: UploadPolicy, project_id: str, wanted: Creation
) -> Upload:
    """An upload without bytes; a partial one has no asset.

    Raises:
        TooLarge: upload_too_large.
        Invalid: upload_empty.
        StoreUnavailable: the store cannot begin it.
    """
    file = wanted.file
    if file.size_bytes is not None:
        check_size(file.size_bytes, policy.max_bytes)
    if wanted.partial:
        upload = await _insert_partial(tx, policy, project_id, file)
    else:
        upload = await insert_upload(tx, policy, project_id, file, method=TUS)
    tx.add(
        TusUpload(
            upload_id=upload.id,
            project_id=project_id,
            length=file.size_bytes,
            metadata_header=wanted.metadata_header,
            concat=Concat.PARTIAL if wanted.partial else None,
            concat_header="partial" if wanted.partial else None,
        )
    )
    await begin_multipart(tx, store, upload)
    return upload


async def _insert_partial(
    tx: AsyncSession, policy: UploadPolicy, project_id: str, file: Announced
) -> Upload:
    upload_id = new_id("upl")
    return await insert_row(
        tx,
        policy,
        file,
        id=upload_id,
        project_id=project_id,
        state=UploadState.WAITING,
        method=TUS,
        object_key=f"tus/{upload_id}/whole",
    )


async def find(tx: AsyncSession, upload_id: str, *, lock: bool = False) -> tuple[Upload, TusUpload]:
    """The upload's two rows, whatever its state.

    Raises:
        NotFound: upload_not_found; also for one that is not sent by tus.
    """
    upload = await get_upload(tx, upload_id, lock=lock)
    tus = await tx.scalar(
        select(TusUpload).where(TusUpload.upload_id == upload_id),
        execution_options={"populate_existing": True},
    )
    if tus is None:
        raise NotFound("upload_not_found", f"There is no tus upload {upload_id}.")
    return upload, tus


async def find_living(
    tx: AsyncSession, upload_id: str, *, lock: bool = False
) -> tuple[Upload, TusUpload]:
    """As `find`.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired, or upload_gone: called off, or failed.
    """
    upload, tus = await find(tx, upload_id, lock=lock)
    if upload.state == UploadState.EXPIRED:
        raise Gone("upload_expired", "The upload took longer than it may. Begin a new one.")
    if upload.state in {UploadState.CANCELLED, UploadState.FAILED}:
        why = upload.error_message or "It was called off."
        raise Gone("upload_gone", f"The upload is {upload.state}. {why}")
    return upload, tus


async def look(tx: AsyncSession, store: Store, upload_id: str) -> tuple[Upload, TusUpload]:
    """As `find_living`, and does what a process that died on the last byte left undone."""
    upload, tus = await find_living(tx, upload_id)
    if upload.state in OPEN and upload.store_upload_id and tus.received == tus.length:
        await settle(tx, store, upload_id)
        upload, tus = await find_living(tx, upload_id)
    return upload, tus


async def begin_append(
    tx: AsyncSession,
    policy: UploadPolicy,
    upload_id: str,
    *,
    offset: int,
    announced: int | None,
    length: int | None,
) -> Hold | None:
    """Lets a PATCH write from `offset` on, and nobody else meanwhile.

    Args:
        announced: Bytes that its body has, where it says so.
        length: Upload-Length, of an upload whose length was not known.

    Returns:
        None: everything has arrived before, and this changes nothing.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired or upload_gone.
        Forbidden: upload_state; a final upload takes no bytes.
        Locked: upload_locked.
        Conflict: upload_offset_mismatch, or upload_state: the length was another one.
        TooLarge: upload_too_large.
    """
    upload, tus = await find_living(tx, upload_id, lock=True)
    if tus.concat is Concat.FINAL:
        raise Forbidden("upload_state", "A final upload is joined from others and takes no bytes.")
    multipart_id = upload.store_upload_id if upload.state in OPEN else None
    # Before the offset is looked at: whoever holds the lease is about to move it.
    fence = None if multipart_id is None else await claim(tx, upload_id)
    if offset != tus.received:
        raise Conflict(
            "upload_offset_mismatch",
            f"The upload is at {tus.received}, not {offset}.",
            extra={"offset": tus.received},
        )
    if length is not None:
        await _set_length(tx, policy, upload, tus, length)
    end = policy.max_bytes if tus.length is None else tus.length
    if announced is not None and offset + announced > end:
        raise TooLarge(
            "upload_too_large",
            f"The upload may have {end} bytes; this would make it {offset + announced}.",
        )
    if multipart_id is None or fence is None:
        return None
    if upload.state is UploadState.WAITING:
        await move_upload(tx, upload_id, UploadState.UPLOADING)
    return Hold(
        upload_id=upload.id,
        project_id=upload.project_id,
        fence=fence,
        object_key=upload.object_key,
        store_upload_id=multipart_id,
        part_bytes=upload.part_bytes,
        length=tus.length,
        offset=tus.received,
        tail_key=tus.tail_key,
    )


async def _set_length(
    tx: AsyncSession, policy: UploadPolicy, upload: Upload, tus: TusUpload, length: int
) -> None:
    if tus.length == length:
        return
    if tus.length is not None:
        raise Conflict("upload_state", f"The upload's length is {tus.length}, and stays so.")
    check_size(length, policy.max_bytes)
    if length < tus.received:
        raise Conflict("upload_state", f"{tus.received} bytes have arrived, more than {length}.")
    tus.length = length
    upload.size_bytes = length
    await tx.flush()


async def settle(tx: AsyncSession, store: Store, upload_id: str) -> tuple[Upload, TusUpload]:
    """Makes the object, if all bytes have arrived and that was not done yet. Again: nothing.

    That an upload is here at its full length means that everything is in parts of the store; so
    whoever looks at it next does what a process that died left undone.

    Raises:
        NotFound: upload_not_found.
    """
    upload, tus = await find(tx, upload_id, lock=True)
    if upload.state not in OPEN or upload.store_upload_id is None or tus.received != tus.length:
        return upload, tus
    cut = cut_of(upload)
    parts = [
        Part(number, cut.size_of(number), etag) for number, etag in enumerate(tus.part_etags, 1)
    ]
    try:
        await store.complete_multipart(upload.object_key, upload.store_upload_id, parts)
    except (NoSuchUpload, PartInvalid) as error:
        if not await object_is_whole(store, upload):
            why = f"What was stored cannot be put together: {error}."
            return await fail_upload(tx, upload.id, "upload_part_invalid", why), tus
    await store.delete_prefix(tail_prefix(upload_id))
    if tus.concat is Concat.PARTIAL:
        # It stays open: whoever does not join it in time loses it like any other upload.
        upload.store_upload_id = None
        await tx.flush()
        return upload, tus
    return await accept_source(tx, upload, upload.size_bytes), tus


async def settle_if_tus(tx: AsyncSession, store: Store, upload_id: str) -> None:
    """As `settle`, and nothing for an upload of another kind."""
    if (await get_upload(tx, upload_id)).method == TUS:
        await settle(tx, store, upload_id)
