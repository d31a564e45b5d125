"""What every answer of tus carries, for clients anywhere and in pages of any origin."""

from datetime import UTC
from email.utils import format_datetime

from litestar import Response

from app.foundation.errors import PreconditionFailed
from app.foundation.http.adding import adding
from app.uploads.models import Upload, UploadState
from app.uploads.states import OPEN
from app.uploads.tus_headers import CHECKSUMS, EXTENSIONS, VERSION
from app.uploads.tus_models import Concat, TusUpload

METHODS = "POST, HEAD, PATCH, DELETE, OPTIONS"
_ASKED = (
    "Authorization, X-API-Key, Content-Type, Idempotency-Key, Tus-Resumable, Upload-Length, "
    "Upload-Offset, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Checksum, "
    "X-HTTP-Method-Override, X-Requested-With, X-Request-ID, X-Correlation-ID, traceparent"
)
_TOLD = (
    "Location, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat, "
    "Upload-Expires, Tus-Resumable, Tus-Version, Tus-Max-Size, Tus-Extension, "
    "Tus-Checksum-Algorithm, Spool-Asset-Id, Idempotency-Replayed, Retry-After, X-Correlation-ID"
)
# No cookies are asked for: credentials are a header, which only a page that has them can send.
tus_answers = adding(
    {
        "Tus-Resumable": VERSION,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": _TOLD,
    }
)


def capabilities(max_bytes: int) -> Response[None]:
    """What is spoken here; the answer to a client, and to a browser that asks before it sends."""
    return Response(
        None,
        status_code=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Max-Size": str(max_bytes),
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": _ASKED,
            "Access-Control-Max-Age": "86400",
        },
    )


def require_version(version: str | None) -> None:
    """Raises PreconditionFailed: tus_version_unsupported."""
    if version != VERSION:
        raise PreconditionFailed(
            "tus_version_unsupported",
            f"Send `Tus-Resumable: {VERSION}`; no other version is spoken here.",
            headers={"Tus-Version": VERSION},
        )


def description(upload: Upload, tus: TusUpload) -> dict[str, str]:
    """All that headers say of an upload."""
    headers = progress(upload, tus)
    if tus.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(tus.length)
    if tus.metadata_header:
        headers["Upload-Metadata"] = tus.metadata_header
    if tus.concat_header is not None:
        headers["Upload-Concat"] = tus.concat_header
    return {**headers, **about(upload), "Cache-Control": "no-store"}


def progress(upload: Upload, tus: TusUpload) -> dict[str, str]:
    """Offset, and until when the rest may come."""
    headers: dict[str, str] = {}
    if tus.concat is not Concat.FINAL:
        headers["Upload-Offset"] = str(tus.received)
    elif upload.state is UploadState.COMPLETED:
        headers["Upload-Offset"] = str(tus.length)
    if upload.state in OPEN:
        expires = upload.deadline_at.astimezone(UTC)
        headers["Upload-Expires"] = format_datetime(expires, usegmt=True)
    return headers


def about(upload: Upload) -> dict[str, str]:
    """The asset that the upload becomes."""
    return {} if upload.asset_id is None else {"Spool-Asset-Id": upload.asset_id}
