"""The upload's state machine: the only code that writes `uploads.state`.

waiting -> uploading -> verifying -> completed
waiting, uploading -> expired or cancelled
waiting, uploading, verifying -> failed;  verifying -> cancelled (its asset is deleted)
uploading -> completed (a partial upload of tus: it is joined into another one)
failed -> verifying (the asset is retried; its source is whole)
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.after_commit import after_commit
from app.foundation.errors import Conflict, Gone, NotFound
from app.uploads.metrics import VIDEO_UPLOADS
from app.uploads.models import Upload, UploadState

_S = UploadState
_ALLOWED: Mapping[UploadState, frozenset[UploadState]] = {
    _S.WAITING: frozenset({_S.UPLOADING, _S.VERIFYING, _S.EXPIRED, _S.CANCELLED, _S.FAILED}),
    _S.UPLOADING: frozenset({_S.VERIFYING, _S.COMPLETED, _S.EXPIRED, _S.CANCELLED, _S.FAILED}),
    _S.VERIFYING: frozenset({_S.COMPLETED, _S.CANCELLED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset({_S.VERIFYING}),
}
# Taking bytes: the deadline is the upload's expiry, and resending parts does not move it.
OPEN = frozenset({_S.WAITING, _S.UPLOADING})
# How an upload ends. One that failed may be looked at again, and then ends once more.
_ENDS = frozenset({_S.COMPLETED, _S.FAILED, _S.EXPIRED, _S.CANCELLED})
# Reading the source back and, where asked for, its checksum.
_VERIFIED_WITHIN = timedelta(hours=3)


def sources(to: UploadState) -> list[UploadState]:
    """The states that lead to `to`."""
    return [state for state in UploadState if to in _ALLOWED[state]]


async def move_upload(
    tx: AsyncSession,
    upload_id: str,
    to: UploadState,
    *,
    changes: Mapping[str, Any] | None = None,
) -> Upload:
    """Moves an upload to another state.

    Args:
        changes: Further columns to set with the state.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired; it had expired before.
        Conflict: upload_state; its state does not lead there.
    """
    values: dict[str, Any] = {**(changes or {}), "state": to}
    if to is _S.VERIFYING:
        values["deadline_at"] = func.clock_timestamp() + _VERIFIED_WITHIN
    if to is _S.COMPLETED:
        values["completed_at"] = func.clock_timestamp()
    moved: Upload | None = await tx.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(sources(to)))
        .values(values)
        .returning(Upload),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    # A part of a file that is put together later (tus) has no asset, and is no video.
    if moved is not None and moved.asset_id is not None and to in _ENDS:
        method = moved.method
        after_commit(tx, lambda: VIDEO_UPLOADS.labels(method, to.value).inc())
    if moved is None:
        state = await tx.scalar(select(Upload.state).where(Upload.id == upload_id))
        raise _refusal(upload_id, state, to)
    return moved


def _refusal(
    upload_id: str, state: UploadState | None, to: UploadState
) -> NotFound | Gone | Conflict:
    if state is None:
        return NotFound("upload_not_found", f"There is no upload {upload_id}.")
    if state == _S.EXPIRED:
        return Gone(
            "upload_expired",
            "The upload took longer than it may and its parts are gone. Begin a new one.",
        )
    return Conflict(
        "upload_state", f"The upload is {UploadState(state).value}; it cannot become {to.value}."
    )
