"""Problem documents (RFC 9457): the one shape of every error answer."""

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from app.foundation.errors import TITLES, SpoolError
from app.foundation.http.faults import understand
from app.foundation.telemetry.correlation import current_correlation_id

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger(__name__)

# Litestar's own errors by status. Their details quote the request or the library, so the text
# comes from here.
_OF_STATUS = {
    400: ("bad_request", "The request could not be read."),
    401: ("credentials_missing", "Send credentials as `Authorization: Bearer …`."),
    403: ("scope_missing", "The credentials do not allow this."),
    404: ("not_found", "No such path. The API's pages are at /docs."),
    405: ("method_not_allowed", "The Allow header of OPTIONS lists what this path takes."),
    406: ("not_acceptable", "Ask for application/json."),
    413: ("body_too_large", "Send less; media goes through uploads."),
    415: ("unsupported_media_type", "Send application/json."),
}


def problem(
    code: str,
    status: int,
    detail: str,
    *,
    path: str,
    members: dict[str, Any] | None = None,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """The members of a problem document; `members` adds to them.

    Args:
        correlation_id: The bound one by default.
    """
    return {
        "type": f"/errors/{code}",
        "title": TITLES[code],
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        "correlation_id": correlation_id or current_correlation_id(),
        **(members or {}),
    }


def _answer(
    request: Request[Any, Any, Any],
    code: str,
    status: int,
    detail: str,
    *,
    members: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[dict[str, Any]]:
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer", **(headers or {})}
    return Response(
        problem(code, status, detail, path=request.scope["path"], members=members),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def on_spool_error(request: Request[Any, Any, Any], error: SpoolError) -> Response[Any]:
    members = dict(error.extra)
    if error.pointer is not None:
        members["errors"] = [{"pointer": error.pointer, "detail": error.detail}]
    return _answer(
        request, error.code, error.status, error.detail, members=members, headers=error.headers
    )


def on_validation_error(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[Any]:
    """A parameter that does not fit; bodies are checked by `json_body`."""
    found = error.extra if isinstance(error.extra, list) else []
    if any(one.get("source") == "body" for one in found):
        detail = "This needs a JSON body."
        errors = [{"pointer": "", "detail": detail}]
        return _answer(request, "validation_failed", 422, detail, members={"errors": errors})
    errors = [
        {
            "parameter": one.get("key", "").split(".", 1)[0],
            "in": getattr(one.get("source"), "value", "query"),
            "detail": one["message"],
        }
        for one in found
    ]
    detail = "; ".join(f"{e['parameter']}: {e['detail']}" for e in errors)
    if not errors:
        return _answer(request, "bad_request", 400, "A parameter is missing or cannot be read.")
    return _answer(request, "validation_failed", 422, detail, members={"errors": errors})


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        return on_any_error(request, error)
    code, detail = _OF_STATUS.get(error.status_code, _OF_STATUS[400])
    return _answer(request, code, error.status_code, detail, headers=dict(error.headers or {}))


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What nobody foresaw: the log gets all of it, the answer none."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    known = understand(error)
    if known is not None:
        if known.status >= 500:
            _log.warning("unavailable", exc_info=error)
        return on_spool_error(request, known)
    _log.error("unhandled error", exc_info=error)
    return _answer(
        request,
        "internal_error",
        500,
        "The fault is ours and has been logged under the correlation id.",
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    SpoolError: on_spool_error,
    ValidationException: on_validation_error,
    HTTPException: on_http_error,
    Exception: on_any_error,
}
