from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from app.foundation.telemetry.export import CORRELATION_ID, SpanQueue
from app.foundation.telemetry.spans import Origin, start_joint_span

KEPT = (f"00-{'a1' * 16}-{'b1' * 8}-01", f"00-{'a2' * 16}-{'b2' * 8}-01")
DROPPED = f"00-{'a3' * 16}-{'b3' * 8}-00"


def joint(*origins: Origin) -> Sequence[ReadableSpan]:
    """What is exported of a span for these, with a child."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    provider.add_span_processor(queue := SpanQueue(InMemorySpanExporter()))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    span = start_joint_span(tracer, "send", origins, attributes={"n": 1})
    with trace.use_span(span, end_on_exit=True):
        tracer.start_span("child").end()
    queue.shutdown()
    return exporter.get_finished_spans()


def test_it_is_in_the_first_trace_that_is_kept_and_points_to_the_others() -> None:
    origins = (("c3", DROPPED), ("c1", KEPT[0]), ("c2", KEPT[1]), ("c2", KEPT[1]))
    child, span = joint(*origins)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b1" * 8
    assert [f"{link.context.span_id:016x}" for link in span.links] == ["b2" * 8, "b3" * 8]
    for each in (span, child):
        assert each.attributes is not None
        assert each.attributes[CORRELATION_ID] == "c1"


def test_nothing_is_told_of_what_is_not_kept() -> None:
    assert joint(("c3", DROPPED)) == ()


@pytest.mark.parametrize("origin", [(None, None), ("c", "no traceparent")])
def test_without_a_trace_it_begins_one(origin: Origin) -> None:
    child, span = joint(origin)
    assert span.parent is None
    assert child.parent == span.context
    assert span.attributes == {"n": 1}
