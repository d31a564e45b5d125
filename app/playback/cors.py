"""Players on other sites may fetch what plays: open to every origin, and without cookies."""

from litestar import Response

from app.foundation.http.adding import adding

open_to_every_origin = adding(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, Retry-After, "
        "X-Correlation-ID",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
    }
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range, X-Correlation-ID, traceparent",
    "Access-Control-Max-Age": "86400",
}


def preflight() -> Response[None]:
    """The answer to a browser that asks before it sends a header it thinks unusual."""
    return Response(None, status_code=204, headers=_PREFLIGHT)
