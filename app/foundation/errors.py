"""What can go wrong, as one tree and one table.

    SpoolError
    ├── BadRequest           400
    ├── Unauthenticated      401
    ├── Forbidden            403
    ├── NotFound             404
    ├── Conflict             409
    ├── Gone                 410
    ├── PreconditionFailed   412
    ├── TooLarge             413
    ├── UnsupportedMediaType 415
    ├── RangeNotSatisfiable  416
    ├── Invalid              422
    ├── Locked               423
    ├── PreconditionRequired 428
    ├── TooManyRequests      429
    └── Unavailable          503

Services raise these; one handler makes problem documents (RFC 9457) of them. The code is for
programs and never changes its meaning; the detail is for people and says what to do.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class SpoolError(Exception):
    """Raised with a code of `TITLES` and a detail for the person who has to act.

    Args:
        code: Stable name of the error.
        detail: What happened here and what to do about it.
        pointer: JSON pointer (RFC 6901) to the part of the request that is wrong.
        extra: Further members of the problem document.
        headers: Headers the answer must carry, such as Retry-After.
    """

    status: ClassVar[int] = 500

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        pointer: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.title = TITLES[code]
        self.detail = detail
        self.pointer = pointer
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


class BadRequest(SpoolError):
    status = 400


class Unauthenticated(SpoolError):
    status = 401


class Forbidden(SpoolError):
    status = 403


class NotFound(SpoolError):
    status = 404


class Conflict(SpoolError):
    status = 409


class Gone(SpoolError):
    status = 410


class PreconditionFailed(SpoolError):
    status = 412


class TooLarge(SpoolError):
    status = 413


class UnsupportedMediaType(SpoolError):
    status = 415


class RangeNotSatisfiable(SpoolError):
    status = 416


class Invalid(SpoolError):
    status = 422


class Locked(SpoolError):
    status = 423


class PreconditionRequired(SpoolError):
    status = 428


class TooManyRequests(SpoolError):
    status = 429


class Unavailable(SpoolError):
    status = 503


TITLES: Mapping[str, str] = {
    # requests
    "bad_request": "The request cannot be read",
    "body_too_large": "The body is larger than this path takes",
    "validation_failed": "The request does not fit the schema",
    "not_found": "Nothing here",
    "method_not_allowed": "This path does not take that method",
    "unsupported_media_type": "The body has a type this path does not take",
    "not_acceptable": "The answer cannot have the type that was asked for",
    "internal_error": "Something broke on our side",
    "request_timeout": "The request took too long",
    "unavailable": "A service we need is away",
    "overloaded": "Too many requests at once",
    "cursor_invalid": "The cursor is not one of ours",
    "precondition_required": "An If-Match header is needed",
    "precondition_failed": "The resource has changed",
    "idempotency_key_invalid": "The Idempotency-Key cannot be used",
    "idempotency_key_reused": "The Idempotency-Key was used for another request",
    # accounts
    "credentials_missing": "No credentials",
    "credentials_invalid": "The credentials are not valid",
    "token_expired": "The token has expired",
    "scope_missing": "The credentials do not allow this",
    "email_taken": "The e-mail address has an account",
    "project_not_found": "No such project",
    "member_not_found": "No such member",
    "member_exists": "Already a member",
    "last_owner": "A project needs an owner",
    "api_key_not_found": "No such API key",
    # uploads
    "upload_not_found": "No such upload",
    "upload_too_large": "The file is too large",
    "upload_empty": "The file is empty",
    "upload_state": "The upload is in a state that does not allow this",
    "upload_expired": "The upload has expired",
    "upload_parts_missing": "Parts are missing",
    "upload_part_invalid": "A part is not right",
    "upload_size_mismatch": "The size is not the one that was announced",
    "upload_checksum_mismatch": "The checksum is not the one that was announced",
    "upload_locked": "Another request is writing to the upload",
    "upload_offset_mismatch": "The offset is not that of the upload",
    "upload_gone": "The upload was called off, or has failed",
    "tus_version_unsupported": "This version of tus is not spoken here",
    "length_required": "A Content-Length is needed",
    # assets
    "asset_not_found": "No such asset",
    "asset_state": "The asset is in a state that does not allow this",
    "asset_deleted": "The asset was deleted",
    "playback_id_not_found": "No such playback id",
    "playback_not_ready": "The video is not ready to play",
    "playback_failed": "The video could not be processed",
    "playback_token_missing": "This video needs a token",
    "playback_token_invalid": "The token does not open this video",
    "image_not_found": "No such image",
    "time_out_of_range": "The time lies outside the video",
    "rendition_not_found": "No such rendition",
    # jobs
    "job_not_found": "No such job",
    "task_not_found": "No such task",
    "task_state": "The task is in a state that does not allow this",
    # the store behind signed URLs
    "signature_invalid": "The link is not valid",
    "signature_expired": "The link has expired",
    "object_not_found": "No such object",
    "range_not_satisfiable": "The range lies outside the object",
}
