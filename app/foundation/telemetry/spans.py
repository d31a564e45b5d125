"""Spans around what we do ourselves."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.util.types import AttributeValue

from app.foundation.errors import SpoolError
from app.foundation.telemetry.correlation import acting_for, context_of, keep_or_make
from app.foundation.telemetry.export import CORRELATION_ID
from app.foundation.telemetry.redaction import redact

# Of what a row or a message goes back to: correlation id and `traceparent`.
Origin = tuple[str | None, str | None]
_tracer = trace.get_tracer("spool")


@contextmanager
def continued_trace(
    name: str, traceparent: str | None, attributes: dict[str, AttributeValue] | None = None
) -> Iterator[None]:
    """What is done within belongs to a trace that began in another request.

    A span of this name continues the kept trace. Where the caller has not continued that trace
    itself, its own span and this one are linked both ways.

    Args:
        traceparent: Of the span that began it; None: the current trace is continued.
    """
    here = trace.get_current_span()
    kept = context_of(traceparent)
    began = trace.get_current_span(kept).get_span_context()
    elsewhere = began.is_valid and began.trace_id != here.get_span_context().trace_id
    span = _tracer.start_span(
        name,
        context=kept if elsewhere else None,
        attributes=attributes,
        links=[trace.Link(here.get_span_context())] if elsewhere else [],
    )
    if elsewhere:
        here.add_link(span.get_span_context())
    with within(span):
        yield


@contextmanager
def begun_trace(name: str, correlation_id: str | None = None) -> Iterator[None]:
    """What is done within begins a trace of its own, for what nobody asked for by a request.

    Args:
        correlation_id: Kept if it can be one (see `keep_or_make`), else made.
    """
    with (
        acting_for(keep_or_make(correlation_id), None),
        within(_tracer.start_span(name, kind=trace.SpanKind.CONSUMER)),
    ):
        yield


@contextmanager
def within(span: trace.Span) -> Iterator[None]:
    """Makes a span the active one, and ends it; an error that passes is noted in it."""
    with trace.use_span(
        span, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield
        except BaseException as error:
            note_error(span, error)
            raise


def start_joint_span(
    tracer: trace.Tracer,
    name: str,
    origins: Iterable[Origin],
    *,
    attributes: Mapping[str, AttributeValue],
    **more: Any,
) -> trace.Span:
    """A span of work for several requests at once, as `Tracer.start_span` makes it of the rest.

    It is in the trace of the first that is kept, and has links to the others. Without origins it
    is a child of the active span.
    """
    found: dict[int, tuple[trace.SpanContext, str | None]] = {}
    for correlation_id, traceparent in origins:
        began = trace.get_current_span(context_of(traceparent)).get_span_context()
        if began.is_valid:
            found[began.span_id] = (began, correlation_id)
    if not found:
        return tracer.start_span(name, attributes=attributes, **more)
    (first, correlation_id), *others = sorted(
        found.values(), key=lambda each: not each[0].trace_flags.sampled
    )
    known = {CORRELATION_ID: correlation_id} if correlation_id else {}
    return tracer.start_span(
        name,
        context=trace.set_span_in_context(trace.NonRecordingSpan(first)),
        attributes={**attributes, **known},
        links=[trace.Link(other) for other, _ in others],
        **more,
    )


def note_error(span: trace.Span, error: BaseException) -> None:
    """Marks a span as failed; a refusal that is the caller's fault is told and is no failure."""
    if not span.is_recording():
        return
    refused = isinstance(error, SpoolError) and error.status < 500
    code = error.code if isinstance(error, SpoolError) else type(error).__qualname__
    span.set_attribute(error_attributes.ERROR_TYPE, code)
    if not refused:
        span.set_status(trace.StatusCode.ERROR, redact(str(error))[:500])
