"""Correlation, trace and metrics of every attempt."""

import time
from collections.abc import Mapping
from contextvars import ContextVar

import structlog
from dramatiq import Broker, MessageProxy, Middleware
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from app.foundation.telemetry.correlation import bind_correlation, context_of
from app.foundation.telemetry.ids import planned_context, start_planned_span
from app.foundation.telemetry.spans import note_error
from app.jobs.claim import Lease
from app.jobs.service import attempts_before
from workers.leases import DATABASE_AWAY, Stopped
from workers.services import Services
from workers.task_broker import leased, loop_thread, ours

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
# Attribute of a link: why it is there.
LINK = "spool.link"


class Telemetry(Middleware):
    """Binds the request's correlation id, continues its trace, and counts.

    An attempt's span is a child of the span that submitted the task. It links to the attempt
    before it, if there was one, and to those by which the tasks succeeded that it waited for.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        lease = leased(message)
        structlog.contextvars.clear_contextvars()
        bind_correlation(lease.correlation_id)
        structlog.contextvars.bind_contextvars(
            task_id=lease.id, kind=lease.kind, asset_id=lease.asset_id, attempt=lease.attempt
        )
        span = self._start_span(lease, ours(message).came_by)
        # Attached for good: the thread's next attempt attaches its own in place of it.
        context.attach(trace.set_span_in_context(span))
        _span.set(span)
        _began.set(time.perf_counter())
        log.info("task.started")

    def _start_span(self, lease: Lease, came_by: Mapping[str, str]) -> trace.Span:
        # After OpenTelemetry's conventions for messaging; the name says the kind, which tells
        # more than the queue.
        span = start_planned_span(
            _tracer,
            f"process {lease.kind}",
            plan=_plan(lease.id, lease.fence),
            context=context_of(lease.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={
                **came_by,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.message.conversation_id": lease.correlation_id,
                "spool.task_id": lease.id,
                "spool.task.kind": lease.kind,
                "spool.task.attempt": lease.attempt,
                "spool.job_id": lease.job_id,
                "spool.project_id": lease.project_id,
            },
        )
        if span.is_recording():
            if lease.asset_id is not None:
                span.set_attribute("spool.asset_id", lease.asset_id)
            self._link(span, lease)
        return span

    def _link(self, span: trace.Span, lease: Lease) -> None:
        earlier = [("previous_attempt", lease.id, lease.fence - 1)] if lease.fence > 1 else []
        try:
            before = loop_thread().run_coroutine(self._waited_for(lease))
        except DATABASE_AWAY as error:
            log.debug("task.links_unknown", error=str(error))
        else:
            earlier += [("waited_for", task_id, fence) for task_id, fence in before]
        for why, task_id, fence in earlier:
            target = planned_context(_plan(task_id, fence), lease.traceparent)
            if target is not None:
                span.add_link(target, {LINK: why})

    async def _waited_for(self, lease: Lease) -> list[tuple[str, int]]:
        async with self._services.database.project(lease.project_id) as tx:
            return await attempts_before(tx, lease.id)

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
        span.set_attribute("spool.task.outcome", outcome)
        if exception is not None and not isinstance(exception, Stopped):
            note_error(span, exception)
        span.end()
        log.info("task.ended", outcome=outcome, seconds=round(seconds, 4))


def _plan(task_id: str, fence: int) -> str:
    """The name from which an attempt's span id follows."""
    return f"{task_id}.{fence}"


def _outcome(exception: BaseException | None) -> str:
    if exception is None:
        return "succeeded"
    return exception.reason.value if isinstance(exception, Stopped) else "failed"
