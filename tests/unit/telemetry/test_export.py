import threading
import time
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from prometheus_client import REGISTRY

from app.foundation.telemetry.export import SpanQueue
from app.foundation.telemetry.ids import PlannedIds, planned_context, span_id_of, start_planned_span


class Blocking(SpanExporter):
    """A collector that answers when it is told to."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.asked = threading.Event()
        self.may = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.may.wait(30)
        self.got += [span.name for span in spans]
        return SpanExportResult.SUCCESS


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("spool_spans_dropped_total", {"reason": reason}) or 0.0


def test_the_queue_is_bounded_and_what_it_drops_is_counted() -> None:
    exporter = Blocking()
    queue = SpanQueue(exporter, size=5)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(queue)
    tracer = provider.get_tracer("test")
    before = dropped("queue_full")
    for number in range(8):
        tracer.start_span(f"n{number}").end()
    assert dropped("queue_full") - before == 3
    exporter.may.set()
    assert queue.force_flush(10_000)
    assert exporter.got == ["n0", "n1", "n2", "n3", "n4"]
    tracer.start_span("later").end()
    queue.shutdown()
    assert exporter.got[-1] == "later"


def test_the_end_waits_two_seconds_for_a_collector_and_no_more() -> None:
    exporter = Blocking()
    queue = SpanQueue(exporter)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(queue)
    provider.get_tracer("test").start_span("lost").end()
    before, began = dropped("process_ending"), time.monotonic()
    queue.shutdown()
    assert time.monotonic() - began < 3
    assert dropped("process_ending") - before == 1
    exporter.may.set()


def test_the_id_of_an_attempts_span_is_known_beforehand() -> None:
    provider = TracerProvider(id_generator=PlannedIds(RandomIdGenerator()), shutdown_on_exit=False)
    tracer = provider.get_tracer("test")
    span = start_planned_span(tracer, "attempt", plan="tsk_1.1", context=Context())
    other = tracer.start_span("other")
    assert span.get_span_context().span_id == span_id_of("tsk_1.1")
    assert other.get_span_context().span_id not in {0, span_id_of("tsk_1.1")}
    target = planned_context("tsk_1.1", f"00-{'1' * 32}-{'2' * 16}-01")
    assert target is not None
    assert (target.trace_id, target.span_id) == (int("1" * 32, 16), span_id_of("tsk_1.1"))
    assert planned_context("tsk_1.1", None) is None
