"""The two ids that follow a request through rows, queue, workers and logs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import context as otel_context
from opentelemetry import propagate
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.foundation.db.ids import random_id

HEADER = "X-Correlation-ID"
# What may come from outside ends in logs and headers: printable, short, no separators.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_W3C = TraceContextTextMapPropagator()


def keep_or_make(given: str | None) -> str:
    """The caller's correlation id if it is acceptable, else a new one."""
    return given if given and _ACCEPTABLE.fullmatch(given) else f"cor_{random_id()}"


def bind_correlation(correlation_id: str) -> None:
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def bound_correlation_id() -> str | None:
    """The id bound to this request or task, if any."""
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    return bound if isinstance(bound, str) else None


def current_correlation_id() -> str:
    """The id bound to this request or task; a new one where nobody bound any."""
    return bound_correlation_id() or keep_or_make(None)


def current_traceparent() -> str | None:
    """The active span as a W3C `traceparent` (Trace Context, level 1), None without a span."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")


def context_of(traceparent: str | None) -> otel_context.Context:
    """The OpenTelemetry context that a stored `traceparent` continues."""
    return _W3C.extract({"traceparent": traceparent} if traceparent else {})


def context_of_headers(headers: Mapping[str, str]) -> otel_context.Context:
    """The context that a request's headers continue, in the formats that `configure_tracing` set.

    Args:
        headers: `traceparent` and `X-Amzn-Trace-Id`, as far as they came, under these names.
    """
    return propagate.extract(headers) if headers else otel_context.Context()


def trace_headers() -> dict[str, str]:
    """What a request to somebody else carries of the active span, by the names of headers."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


@contextmanager
def acting_for(correlation_id: str, traceparent: str | None) -> Iterator[None]:
    """What is done within is done for a request of long ago, whose ids a row has kept."""
    token = otel_context.attach(context_of(traceparent))
    try:
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            yield
    finally:
        otel_context.detach(token)
