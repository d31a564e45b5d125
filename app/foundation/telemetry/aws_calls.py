"""Spans of calls to AWS, made of what botocore tells of each.

One span is one call with all its tries, after OpenTelemetry's conventions for AWS SDKs, SQS and
SNS. A call has one if a trace is around it or in the messages that it carries or brings. Of those
that look for something only the ones that found it have one: loops leave none.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from app.foundation.telemetry.spans import Origin, start_joint_span

_tracer = trace.get_tracer("spool.aws")
_CALL = "spool_call"
_SYSTEMS = {"SQS": "aws_sqs", "SNS": "aws.sns"}
# What a call does with messages: the operation's name, its type, and the kind of its span.
_OPERATIONS = {
    "SendMessage": ("send", "send", SpanKind.PRODUCER),
    "Publish": ("publish", "send", SpanKind.PRODUCER),
    "ReceiveMessage": ("receive", "receive", SpanKind.CLIENT),
    "DeleteMessage": ("delete", "settle", SpanKind.CLIENT),
    "ChangeMessageVisibility": ("hide", "settle", SpanKind.CLIENT),
}
# Where the answer of a call that looks for something has what it found.
_FOUND = {"ReceiveMessage": "Messages", "GetRecords": "Records"}
_origins: ContextVar[Sequence[Origin]] = ContextVar("origins", default=())


@contextmanager
def about_messages(origins: Sequence[Origin]) -> Iterator[None]:
    """Calls within are about messages of these traces, and do not carry them."""
    token = _origins.set(origins)
    try:
        yield
    finally:
        _origins.reset(token)


def trace_calls(client: Any) -> None:
    """Has each call of a client of boto3's leave its span."""
    events = client.meta.events
    events.register("before-parameter-build", _begun)
    events.register("after-call", _answered)
    events.register("after-call-error", _unanswered)


@dataclass(frozen=True, slots=True)
class _Call:
    service: str
    operation: str
    params: Mapping[str, Any]
    began: int

    @property
    def batch(self) -> Sequence[Mapping[str, Any]]:
        return self.params.get("Entries") or self.params.get("PublishBatchRequestEntries") or ()


def _begun(params: Any, model: Any, context: dict[str, Any], **_more: object) -> None:
    # A call's context goes along with it, to what is told of its end.
    context[_CALL] = _Call(model.service_model.service_id, model.name, params, time.time_ns())


def _answered(http_response: Any, parsed: Any, context: dict[str, Any], **_more: object) -> None:
    code = parsed.get("Error", {}).get("Code") if http_response.status_code >= 300 else None
    _tell(context[_CALL], parsed, code)


def _unanswered(exception: Exception, context: dict[str, Any], **_more: object) -> None:
    _tell(context[_CALL], {}, type(exception).__name__)


def _tell(call: _Call, answer: Mapping[str, Any], error: str | None) -> None:
    found = answer.get(_FOUND.get(call.operation, ""))
    if call.operation in _FOUND and not found and error is None:
        return
    messages = found or call.batch or [call.params]
    origins = [*_origins.get(), *filter(None, map(_origin, messages))]
    around = trace.get_current_span().get_span_context()
    if not (around.trace_flags.sampled or origins or found):
        return
    name, kind, about = _described(call)
    if found or call.batch:
        about["messaging.batch.message_count"] = len(messages)
    about["rpc.system.name"] = "aws-api"
    about["rpc.method"] = f"{call.service}/{call.operation}"
    if request_id := answer.get("ResponseMetadata", {}).get("RequestId"):
        about["aws.request_id"] = request_id
    if error is not None:
        about[error_attributes.ERROR_TYPE] = error
    span = start_joint_span(
        _tracer,
        name,
        [] if around.trace_flags.sampled else origins,
        kind=kind,
        attributes=about,
        start_time=_began(call, messages),
    )
    if error is not None:
        span.set_status(trace.StatusCode.ERROR)
    span.end()


def _origin(message: Mapping[str, Any]) -> Origin | None:
    attributes = message.get("MessageAttributes", {})
    said = [
        attributes.get(name, {}).get("StringValue") for name in ("correlation_id", "traceparent")
    ]
    return (said[0], said[1]) if said[1] else None


def _described(call: _Call) -> tuple[str, SpanKind, dict[str, AttributeValue]]:
    """Name and kind of a call's span, and what of its attributes depends on the service."""
    system = _SYSTEMS.get(call.service)
    operation = _OPERATIONS.get(call.operation.removesuffix("Batch"))
    if system is None or operation is None:
        return f"{call.service}/{call.operation}", SpanKind.CLIENT, {}
    name, type_, kind = operation
    place = call.params.get("QueueUrl") or call.params.get("TopicArn", "")
    destination = place.replace(":", "/").rpartition("/")[2]
    about: dict[str, AttributeValue] = {
        "messaging.system": system,
        "messaging.operation.name": name,
        "messaging.operation.type": type_,
        "messaging.destination.name": destination,
        "aws.sqs.queue.url" if call.service == "SQS" else "aws.sns.topic.arn": place,
    }
    return f"{name} {destination}", kind, about


def _began(call: _Call, found: Sequence[Mapping[str, Any]]) -> int:
    """When the call began; of a long poll, when there was something that it could bring."""
    sent = [int(each.get("Attributes", {}).get("SentTimestamp", 0)) for each in found]
    return min(max(call.began, min(sent) * 1_000_000), time.time_ns())
