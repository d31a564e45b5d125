"""Correlation, trace and metrics of every attempt."""

import time
from contextvars import ContextVar

import structlog
from dramatiq import Broker, MessageProxy, Middleware
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from prometheus_client import Counter, Histogram

from app.foundation.telemetry.correlation import bind_correlation, context_of
from workers.leases import Stopped
from workers.postgres_broker import leased

log = structlog.get_logger(__name__)

_TASKS = Counter("spool_tasks_total", "Attempts at tasks, by how they ended.", ["kind", "outcome"])
_SECONDS = Histogram(
    "video_processing_seconds",
    "Time that one attempt at a task took.",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 3 * 3600),
)
_tracer = trace.get_tracer("spool.workers")
_began: ContextVar[float] = ContextVar("began")
_span: ContextVar[trace.Span] = ContextVar("span")


class Telemetry(Middleware):
    """Binds the request's correlation id, continues its trace, and counts."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        lease = leased(message)
        structlog.contextvars.clear_contextvars()
        bind_correlation(lease.correlation_id)
        structlog.contextvars.bind_contextvars(
            task_id=lease.id, kind=lease.kind, asset_id=lease.asset_id, attempt=lease.attempt
        )
        span = _tracer.start_span(
            f"process {lease.kind}",
            context=context_of(lease.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "spool",
                "messaging.operation.type": "process",
                "messaging.destination.name": lease.queue,
                "messaging.message.id": lease.id,
                "spool.attempt": lease.attempt,
            },
        )
        # Attached for good: the thread's next attempt attaches its own in place of it.
        context.attach(trace.set_span_in_context(span))
        _span.set(span)
        _began.set(time.perf_counter())
        log.info("task.started")

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        lease = leased(message)
        seconds = time.perf_counter() - _began.get()
        outcome = _outcome(exception)
        _TASKS.labels(lease.kind, outcome).inc()
        _SECONDS.labels(lease.kind).observe(seconds)
        span = _span.get()
        if exception is not None and not isinstance(exception, Stopped):
            span.record_exception(exception)
            span.set_status(Status(StatusCode.ERROR, str(exception)))
        span.end()
        log.info("task.ended", outcome=outcome, seconds=round(seconds, 4))


def _outcome(exception: BaseException | None) -> str:
    if exception is None:
        return "succeeded"
    return exception.reason.value if isinstance(exception, Stopped) else "failed"
