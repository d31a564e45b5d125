"""Players on other sites may fetch what plays: open to every origin, and without cookies."""

from litestar import Response
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, Retry-After, "
    "X-Correlation-ID",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Range, X-Correlation-ID, traceparent",
    "Access-Control-Max-Age": "86400",
}


def open_to_every_origin(app: ASGIApp) -> ASGIApp:
    """Middleware that adds the headers of the Fetch standard to answers, errors among them."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in _OPEN.items():
                    headers[name] = value
            await send(message)

        await app(scope, receive, send_open)

    return middleware


def preflight() -> Response[None]:
    """The answer to a browser that asks before it sends a header it thinks unusual."""
    return Response(None, status_code=204, headers=_PREFLIGHT)
