"""What every request passes, found or not: one ASGI layer around the application.

It keeps or makes the correlation id, continues the caller's trace, sets the deadline, and leaves
one log line and one measurement. All of it is here because each layer costs every request.
"""

import asyncio
import time
from typing import Any

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.semconv.attributes import (
    client_attributes,
    error_attributes,
    http_attributes,
    network_attributes,
    server_attributes,
    url_attributes,
    user_agent_attributes,
)

from app.foundation.http.problems import MEDIA_TYPE, problem
from app.foundation.telemetry import correlation
from app.foundation.telemetry.metrics import HTTP_REQUEST_SECONDS

_log = structlog.get_logger("spool.http")
_CORRELATION = correlation.HEADER.lower().encode()
_XRAY = "X-Amzn-Trace-Id"
# As the propagators look for them. Names come in lower case (ASGI).
_TRACE_HEADERS = {b"traceparent": "traceparent", _XRAY.lower().encode(): _XRAY}
# Any other word that a client makes up would be one more value of a label.
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"}
)
_OTHER = "_OTHER"
# In a handler's `opt`: its answer may take as long as it takes (uploads, event streams).
NO_DEADLINE = "no_deadline"
# In a handler's `opt`: the path carries a token, so it stays out of logs and spans.
SECRET_PATH = "secret_path"  # noqa: S105  # the name of an option


class Edge:
    """The layer itself.

    Args:
        app: The application inside.
        deadline_seconds: After so long without the first byte of an answer, a request is given up
            with 503 `request_timeout` and its transaction is rolled back.
    """

    def __init__(self, app: ASGIApp, *, deadline_seconds: float) -> None:
        self._app = app
        self._deadline = deadline_seconds
        self._tracer = trace.get_tracer("spool.http")
        # Who traces with X-Ray is told the trace of each answer, as its own services do.
        self._tells_trace = _XRAY in propagate.get_global_textmap().fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, tells_trace=self._tells_trace)
        tokens = structlog.contextvars.bind_contextvars(correlation_id=exchange.correlation_id)
        span = self._tracer.start_span(
            exchange.method,
            context=correlation.context_of_headers(exchange.trace_headers),
            kind=trace.SpanKind.SERVER,
        )
        attached = otel_context.attach(trace.set_span_in_context(span))
        try:
            await self._within_deadline(exchange, receive)
        finally:
            exchange.finish(span)
            otel_context.detach(attached)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _within_deadline(self, exchange: "_Exchange", receive: Receive) -> None:
        task = asyncio.current_task()
        expired = False

        def expire() -> None:
            nonlocal expired
            if task is not None and not exchange.started and not exchange.option(NO_DEADLINE):
                expired = True
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self._deadline, expire)
        try:
            await self._app(exchange.scope, receive, exchange.send)
        except asyncio.CancelledError:
            if not expired or task is None or task.uncancel() > 0 or exchange.started:
                raise
            await exchange.give_up(self._deadline)
        finally:
            timer.cancel()


class _Exchange:
    """One request and its answer, as far as the edge sees them."""

    __slots__ = (
        "_begin",
        "_send",
        "correlation_id",
        "method",
        "scope",
        "started",
        "status",
        "tells_trace",
        "trace_headers",
        "user_agent",
    )

    def __init__(self, scope: Any, send: Send, *, tells_trace: bool) -> None:
        self._begin = time.perf_counter()
        self._send = send
        self.scope = scope
        self.started = False
        self.tells_trace = tells_trace
        self.status = 499  # nothing was sent: the client has gone, or the process is ending
        self.method: str = scope["method"] if scope["method"] in _METHODS else _OTHER
        self.trace_headers: dict[str, str] = {}
        self.user_agent: bytes | None = None
        given: str | None = None
        for name, value in scope["headers"]:
            if name in _TRACE_HEADERS:
                self.trace_headers[_TRACE_HEADERS[name]] = value.decode("latin-1")
            elif name == _CORRELATION:
                given = value.decode("latin-1")
            elif name == b"user-agent":
                self.user_agent = value
        self.correlation_id = correlation.keep_or_make(given)

    def option(self, name: str) -> bool:
        handler = self.scope.get("route_handler")
        return handler is not None and bool(handler.opt.get(name))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = list(message["headers"])
            headers.append((_CORRELATION, self.correlation_id.encode()))
            if self.tells_trace and (told := correlation.trace_headers().get(_XRAY)):
                headers.append((_XRAY.lower().encode(), told.encode()))
            message["headers"] = headers
        await self._send(message)

    async def give_up(self, seconds: float) -> None:
        body = problem(
            "request_timeout",
            503,
            f"No answer within {seconds:g} s. A request with an Idempotency-Key can be repeated.",
            path=self.scope["path"],
        )
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"retry-after", b"1")]
        start: Any = {"type": "http.response.start", "status": 503, "headers": headers}
        await self.send(start)
        content = msgspec.json.encode(body)
        await self.send({"type": "http.response.body", "body": content, "more_body": False})

    def finish(self, span: trace.Span) -> None:
        seconds = time.perf_counter() - self._begin
        route = self.scope.get("path_template")
        named = route or "unmatched"
        HTTP_REQUEST_SECONDS.labels(self.method, named, str(self.status)).observe(seconds)
        path = named if self.option(SECRET_PATH) else self.scope["path"]
        if span.is_recording():
            span.update_name(f"{self.method} {route}" if route else self.method)
            span.set_attributes(self._attributes(route, path))
            if self.status >= 500:
                span.set_attribute(error_attributes.ERROR_TYPE, str(self.status))
                span.set_status(trace.StatusCode.ERROR)
        # Still inside the span, so that the line carries its ids.
        _log.info(
            "request",
            method=self.method,
            route=named,
            path=path,
            status=self.status,
            ms=round(seconds * 1000, 2),
        )
        span.end()

    def _attributes(self, route: str | None, path: str) -> dict[str, Any]:
        """What OpenTelemetry's semantic conventions for HTTP servers ask for.

        The query stays out: it is where signed links have their tokens.
        """
        scope = self.scope
        known: dict[str, Any] = {
            http_attributes.HTTP_REQUEST_METHOD: self.method,
            http_attributes.HTTP_RESPONSE_STATUS_CODE: self.status,
            url_attributes.URL_PATH: path,
            url_attributes.URL_SCHEME: scope["scheme"],
            network_attributes.NETWORK_PROTOCOL_VERSION: scope["http_version"],
        }
        if self.method is _OTHER:
            known[http_attributes.HTTP_REQUEST_METHOD_ORIGINAL] = scope["method"][:32]
        if route:
            known[http_attributes.HTTP_ROUTE] = route
        if scope.get("server"):
            host, port = scope["server"]
            known[server_attributes.SERVER_ADDRESS] = host
            if port:
                known[server_attributes.SERVER_PORT] = port
        if scope.get("client"):
            known[client_attributes.CLIENT_ADDRESS] = scope["client"][0]
        if self.user_agent:
            known[user_agent_attributes.USER_AGENT_ORIGINAL] = self.user_agent.decode("latin-1")
        return known
