"""The queue between spans and the collector: bounded, and never waited for.

The SDK's own batch processor would do, but for its end: it waits half a minute for a collector
that is away, and says of the spans that it dropped nothing but a line in the log.
"""

import threading
import time
from collections import deque

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.util.types import AttributeValue

from app.foundation.telemetry.correlation import bound_correlation_id
from app.foundation.telemetry.metrics import SPANS_DROPPED

QUEUED = 4096
_BATCH = 512
_DELAY_SECONDS = 1.0
_END_SECONDS = 2.0
CORRELATION_ID = "spool.correlation_id"


class SpanQueue(SpanProcessor):
    """Hands ended spans to the exporter, in a thread of its own.

    Args:
        exporter: May block; it is closed with this.
        size: More spans than so many that wait are dropped, the newest first.
    """

    def __init__(self, exporter: SpanExporter, *, size: int = QUEUED) -> None:
        self._exporter = exporter
        self._size = size
        self._waiting: deque[ReadableSpan] = deque()
        self._full_batch = threading.Event()
        self._ending = False
        self._gave_up = False
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        correlation_id: AttributeValue | None = bound_correlation_id()
        if correlation_id is None:
            # What is done for a row, by a process that was not asked by anybody.
            parent = trace.get_current_span(parent_context)
            if isinstance(parent, ReadableSpan) and parent.attributes:
                correlation_id = parent.attributes.get(CORRELATION_ID)
        if correlation_id is not None:
            span.set_attribute(CORRELATION_ID, correlation_id)

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._waiting) >= self._size or self._ending:
            SPANS_DROPPED.labels("process_ending" if self._ending else "queue_full").inc()
            return
        self._waiting.append(span)
        if len(self._waiting) >= _BATCH:
            self._full_batch.set()

    def shutdown(self) -> None:
        """Sends what waits; gives up after two seconds."""
        deadline = time.monotonic() + _END_SECONDS
        self._ending = True
        self._full_batch.set()
        # An exporter that waits for its next try hears of the end only by being closed.
        self._thread.join(_END_SECONDS * 0.75)
        self._gave_up = self._thread.is_alive()
        self._exporter.shutdown()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        SPANS_DROPPED.labels("process_ending").inc(len(self._waiting))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Whether nothing waits any more, within this time."""
        self._full_batch.set()
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting, timeout_millis / 1000)

    def _run(self) -> None:
        while not self._ending:
            self._full_batch.wait(_DELAY_SECONDS)
            self._full_batch.clear()
            self._send()
        self._send()

    def _send(self) -> None:
        while self._waiting and not self._gave_up:
            # They stay in the queue until they are sent: what is under way counts as waiting.
            batch = [self._waiting[n] for n in range(min(_BATCH, len(self._waiting)))]
            if not self._export(batch):
                SPANS_DROPPED.labels("export_failed").inc(len(batch))
            for _ in batch:
                self._waiting.popleft()
        with self._idle:
            self._idle.notify_all()

    def _export(self, batch: list[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001  # whatever an exporter raises, the thread has to go on
            return False
