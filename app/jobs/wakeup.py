"""The message that wakes a worker for one task: what is in it, and what is wrong with others.

The row is the truth. A message names it, and carries beside its body what follows a request
around, for whoever looks at the queue: the correlation id and the trace.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.jobs.catalog import KINDS

_TASK_ID_CHARACTERS = 64


class Poison(StrEnum):
    """Why a message can wake nobody."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_TASK_ID = "no_task_id"
    UNKNOWN_KIND = "unknown_kind"


@dataclass(frozen=True, slots=True)
class WakeUp:
    task_id: str
    kind: str

    def body(self) -> str:
        return json.dumps({"task_id": self.task_id, "kind": self.kind}, separators=(",", ":"))


def read_wakeup(body: str) -> WakeUp | Poison:
    """What a message's body says. It may hold more members than are known here."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return Poison.NOT_JSON
    if not isinstance(said, dict):
        return Poison.NOT_AN_OBJECT
    task_id, kind = said.get("task_id"), said.get("kind")
    if not isinstance(task_id, str) or not 0 < len(task_id) <= _TASK_ID_CHARACTERS:
        return Poison.NO_TASK_ID
    if not task_id.isascii() or not task_id.isprintable():
        return Poison.NO_TASK_ID  # PostgreSQL would refuse it, and all that is asked along with it
    if not isinstance(kind, str) or kind not in KINDS:
        return Poison.UNKNOWN_KIND
    return WakeUp(task_id, kind)


def attributes_of(correlation_id: str, traceparent: str | None) -> dict[str, str]:
    """Message attributes: the ids that are in logs, and W3C Trace Context."""
    found = {"correlation_id": correlation_id}
    if traceparent:
        found["traceparent"] = traceparent
    return found


def xray_header(traceparent: str | None) -> str | None:
    """A W3C `traceparent` in the form of X-Ray's tracing header; None where it is none.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    fields = (traceparent or "").split("-")
    if len(fields) != 4 or len(fields[1]) != 32 or len(fields[2]) != 16:
        return None
    _, trace, span, flags = fields
    sampled = int(flags, 16) & 1 if flags.isalnum() else 0
    return f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled={sampled}"


def entry_of(
    wakeup: WakeUp, correlation_id: str, traceparent: str | None, *, xray: bool
) -> Mapping[str, Any]:
    """The message as an entry of SendMessageBatch, without its Id."""
    entry: dict[str, Any] = {
        "MessageBody": wakeup.body(),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes_of(correlation_id, traceparent).items()
        },
    }
    header = xray_header(traceparent) if xray else None
    if header is not None:
        # The one attribute of this kind that SQS knows; it does not count among the ten.
        entry["MessageSystemAttributes"] = {
            "AWSTraceHeader": {"DataType": "String", "StringValue": header}
        }
    return entry
