"""Span ids that are known beforehand, so that others can point to a span without asking for it.

The id of an attempt's span follows from the attempt's name. Whoever knows the name, a later attempt
or a task that waited, can link to the span, and no row has to keep it.
"""

import hashlib
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator

_planned: ContextVar[int] = ContextVar("planned_span_id", default=trace.INVALID_SPAN_ID)


class PlannedIds(IdGenerator):
    """Ids of another generator, but for a span whose id is planned."""

    def __init__(self, others: IdGenerator) -> None:
        self._others = others

    def generate_span_id(self) -> int:
        return _planned.get() or self._others.generate_span_id()

    def generate_trace_id(self) -> int:
        return self._others.generate_trace_id()


def span_id_of(name: str) -> int:
    """The id of the span that has this name for its plan."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") or 1


def start_planned_span(
    tracer: trace.Tracer, name: str, *, plan: str, context: Context, **more: Any
) -> trace.Span:
    """A span with the id of `plan`, as `Tracer.start_span` makes it of what else is given."""
    token = _planned.set(span_id_of(plan))
    try:
        return tracer.start_span(name, context=context, **more)
    finally:
        _planned.reset(token)


def planned_context(plan: str, traceparent: str | None) -> trace.SpanContext | None:
    """What a link to the span of `plan` needs.

    Args:
        traceparent: Of any span of the same trace; None where there was no trace.
    """
    # Of the form of W3C Trace Context, which only we have written into rows.
    parts = (traceparent or "").split("-")
    if len(parts) != 4:
        return None
    return trace.SpanContext(
        trace_id=int(parts[1], 16),
        span_id=span_id_of(plan),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(parts[3], 16)),
    )
