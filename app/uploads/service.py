"""Uploads in parts: begun here, sent by the client straight to the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.assets.deletion import bury_asset
from app.assets.names import clean_filename, clean_line, clean_text, title_of
from app.assets.states import fail_asset
from app.foundation.db.ids import new_id
from app.foundation.errors import Conflict, Gone, Invalid, NotFound, TooLarge
from app.foundation.storage.errors import NoSuchUpload
from app.foundation.storage.protocols import Part, SignedRequest, Store
from app.foundation.telemetry.correlation import current_traceparent
from app.foundation.telemetry.spans import continued_trace
from app.playback.models import PlaybackPolicy
from app.uploads.models import Upload, UploadState
from app.uploads.parts import Cut, plan_cut
from app.uploads.policy import UploadPolicy
from app.uploads.states import OPEN, move_upload

PARTS = "parts"
SIMPLE = "simple"
TUS = "tus"
STREAM = "stream"
BUCKET = "bucket"
# How one is late that was not expected at a certain time.
_LATE = {STREAM: "No record of the stream came for too long"}


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that somebody is about to send.

    Args:
        size_bytes: None where it shows only when it has arrived (one-request uploads).
        sha256: In hex, to be compared with what arrived.
        sender: The id of the person who sends it; None for a program.
    """

    filename: str
    size_bytes: int | None
    content_type: str
    title: str | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None
    policy: PlaybackPolicy = PlaybackPolicy.PUBLIC
    sender: str | None = None


async def create_upload(
    tx: AsyncSession, store: Store, policy: UploadPolicy, project_id: str, file: Announced
) -> Upload:
    """An asset that waits, and a multipart upload of the store for its source.

    Raises:
        TooLarge: upload_too_large.
        Invalid: upload_empty.
        StoreUnavailable: the store cannot begin it.
    """
    check_size(file.size_bytes or 0, policy.max_bytes)
    upload = await insert_upload(tx, policy, project_id, file, method=PARTS)
    await begin_multipart(tx, store, upload)
    return upload


async def begin_multipart(tx: AsyncSession, store: Store, upload: Upload) -> None:
    """Last in its transaction: it does not roll back, and the sweep removes what a crash leaves.

    Raises:
        StoreUnavailable: the store cannot begin it.
    """
    upload.store_upload_id = await store.create_multipart(
        upload.object_key, content_type=upload.content_type, part_size=upload.part_bytes
    )
    await tx.flush()


def check_size(size: int, limit: int) -> int:
    """The size, if a file may have it.

    Raises:
        TooLarge: upload_too_large.
        Invalid: upload_empty.
    """
    if size > limit:
        raise TooLarge(
            "upload_too_large",
            f"The file has {size} bytes; at most {limit} are taken here.",
            pointer="/size_bytes",
            extra={"limit_bytes": limit},
        )
    if size < 1:
        raise Invalid("upload_empty", "The file has no bytes.", pointer="/size_bytes")
    return size


async def insert_upload(
    tx: AsyncSession, policy: UploadPolicy, project_id: str, file: Announced, *, method: str
) -> Upload:
    """The rows of an upload and of its asset."""
    filename = clean_filename(file.filename)
    asset = await assets.create_asset(
        tx,
        project_id=project_id,
        title=clean_line(file.title or "") or title_of(filename),
        description=clean_text(file.description),
        tags=file.tags,
        filename=filename,
        expires=policy.expires,
        policy=file.policy,
        created_by=file.sender,
    )
    return await insert_row(
        tx,
        policy,
        file,
        id=new_id("upl"),
        project_id=project_id,
        asset_id=asset.id,
        state=UploadState.UPLOADING if method == SIMPLE else UploadState.WAITING,
        method=method,
        sha256=file.sha256.lower() if file.sha256 else None,
        object_key=asset.source_key,
        traceparent=current_traceparent(),
    )


async def insert_row(
    tx: AsyncSession, policy: UploadPolicy, file: Announced, **values: Any
) -> Upload:
    """The upload's own row; `values` are what neither file nor policy tells."""
    size = file.size_bytes or 0
    upload: Upload | None = await tx.scalar(
        insert(Upload)
        .values(
            filename=clean_filename(file.filename),
            content_type=file.content_type,
            size_bytes=size,
            part_bytes=plan_cut(size or policy.max_bytes, policy.part_bytes).part_size,
            deadline_at=func.clock_timestamp() + policy.expires,
            **values,
        )
        .returning(Upload)
    )
    if upload is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return upload


async def get_upload(tx: AsyncSession, upload_id: str, *, lock: bool = False) -> Upload:
    """Raises NotFound: upload_not_found."""
    query = select(Upload).where(Upload.id == upload_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    upload = await tx.scalar(query)
    if upload is None:
        raise NotFound("upload_not_found", f"There is no upload {upload_id}.")
    return upload


def asset_of(upload: Upload) -> str:
    """The id of the asset that the upload becomes.

    Raises:
        Conflict: upload_state; it is a partial upload, which becomes none by itself.
    """
    if upload.asset_id is None:
        raise Conflict("upload_state", "A partial upload is a piece of a video, and none itself.")
    return upload.asset_id


def cut_of(upload: Upload) -> Cut:
    return Cut(upload.size_bytes, upload.part_bytes)


def sign_parts(
    store: Store, policy: UploadPolicy, upload: Upload, numbers: Sequence[int]
) -> list[tuple[int, SignedRequest]]:
    """Requests that store these parts, each for exactly its bytes; asking again renews them.

    Raises:
        Gone: upload_expired.
        Conflict: upload_state; it takes no parts (any more).
        Invalid: upload_part_invalid; there is no such part.
    """
    multipart_id = require_open(upload)
    cut = cut_of(upload)
    if wrong := [number for number in numbers if not 1 <= number <= cut.count]:
        raise Invalid(
            "upload_part_invalid",
            f"There is no part {wrong[0]}: the file has the parts 1 to {cut.count}.",
            pointer="/numbers",
        )
    with continued_trace("sign parts", upload.traceparent, {"spool.parts": len(numbers)}):
        return [
            (
                number,
                store.sign_part(
                    upload.object_key,
                    multipart_id,
                    number,
                    expires=policy.urls_expire,
                    size=cut.size_of(number),
                ),
            )
            for number in numbers
        ]


def require_open(upload: Upload) -> str:
    """The store's id of an upload that takes parts.

    Raises:
        Gone: upload_expired.
        Conflict: upload_state; also where the parts are not the client's to send.
    """
    if upload.state == UploadState.EXPIRED:
        raise Gone("upload_expired", "The upload took longer than it may. Begin a new one.")
    if upload.state not in OPEN or upload.store_upload_id is None:
        raise Conflict("upload_state", f"The upload is {upload.state}; it takes no parts.")
    if upload.method == TUS:
        raise Conflict("upload_state", f"The upload is sent by tus, to /v1/tus/{upload.id}.")
    return upload.store_upload_id


async def list_parts(tx: AsyncSession, store: Store, upload_id: str) -> list[Part]:
    """The parts that have arrived: what a client that resumes need not send.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired.
        Conflict: upload_state.
    """
    upload = await get_upload(tx, upload_id)
    multipart_id = require_open(upload)
    try:
        parts = await store.list_parts(upload.object_key, multipart_id)
    except NoSuchUpload:
        # The store has completed it and we crashed before we could say so: `complete` repairs it.
        return []
    if parts and upload.state == UploadState.WAITING:
        await move_upload(tx, upload_id, UploadState.UPLOADING)
    return parts


async def cancel_upload(tx: AsyncSession, store: Store, upload_id: str) -> None:
    """Calls an upload off: parts go, and of its asset only a tombstone stays. Again: nothing.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired.
        Conflict: upload_state; the file has arrived, so its asset is to be deleted instead.
    """
    upload = await get_upload(tx, upload_id, lock=True)
    if upload.state == UploadState.CANCELLED:
        return
    if upload.state not in OPEN:
        require_open(upload)
    await move_upload(tx, upload_id, UploadState.CANCELLED)
    if upload.asset_id is not None:
        await bury_asset(tx, upload.asset_id)
    await discard(store, upload)


async def expire(tx: AsyncSession, upload_id: str, store: Store) -> bool:
    """Ends an upload whose time is over, by the database's clock; for the reconciler.

    Returns:
        Whether it expired by this call.
    """
    upload = await tx.scalar(
        select(Upload)
        .where(
            Upload.id == upload_id,
            Upload.state.in_(OPEN),
            Upload.deadline_at <= func.clock_timestamp(),
        )
        .with_for_update()
    )
    if upload is None:
        return False
    await move_upload(tx, upload_id, UploadState.EXPIRED)
    if upload.asset_id is not None:
        why = _LATE.get(upload.method, "The upload was not finished in time")
        await fail_asset(
            tx,
            upload.asset_id,
            "upload_expired",
            f"{why}, and what had arrived was removed. Send it again.",
        )
    await discard(store, upload)
    return True


async def fail_upload(tx: AsyncSession, upload_id: str, code: str, message: str) -> Upload:
    """It cannot become what it should, and its asset, if it is whole, fails with the same reason.

    Raises:
        NotFound, Gone, Conflict: as `move_upload`; it has ended already.
    """
    error = {"error_code": code, "error_message": message}
    upload = await move_upload(tx, upload_id, UploadState.FAILED, changes=error)
    if upload.asset_id is not None:
        await fail_asset(tx, upload.asset_id, code, message)
    return upload


async def discard(store: Store, upload: Upload) -> None:
    """Removes the parts, and the object where a crash left one that no row speaks of."""
    if upload.method == TUS:
        await store.delete_prefix(f"tus/{upload.id}/")
    if upload.store_upload_id is not None:
        await store.abort_multipart(upload.object_key, upload.store_upload_id)
    await store.delete(upload.object_key)
