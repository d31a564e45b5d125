"""From the engine's events to plans: pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from pulumi.automation import OpType
from pulumi.automation.events import EngineEvent, StepEventMetadata

from infra.stacks.reports import Change

# What cannot be made again when it is gone.
STATEFUL = frozenset(
    {
        "aws:cognito/userPool:UserPool",
        "aws:dynamodb/table:Table",
        "aws:ecr/repository:Repository",
        "aws:kinesis/stream:Stream",
        "aws:kms/key:Key",
        "aws:rds/cluster:Cluster",
        "aws:rds/clusterInstance:ClusterInstance",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:sqs/queue:Queue",
    }
)
# The stack itself and providers.
_ENGINES_OWN = "pulumi:"
_DIGITS = 12
_UNTOUCHED = {OpType.SAME, OpType.READ, OpType.READ_REPLACEMENT}
# One replacement is several steps; this one stands for all of them.
_PARTS = {
    OpType.CREATE_REPLACEMENT,
    OpType.DELETE_REPLACED,
    OpType.DISCARD_REPLACED,
    OpType.REMOVE_PENDING_REPLACE,
}


def change_of(step: StepEventMetadata) -> Change | None:
    """The change that a step stands for, if any."""
    if step.op in _UNTOUCHED or step.op in _PARTS or step.type.startswith(_ENGINES_OWN):
        return None
    return Change(
        operation=step.op.value,
        type=step.type,
        name=step.urn.rsplit("::", 1)[-1],
        stateful=step.type in STATEFUL,
        properties=tuple(sorted(step.detailed_diff or step.diffs or ())),
        digest=_digest(step.new.inputs)[:_DIGITS] if step.new else "",
    )


def changes_of(events: Iterable[EngineEvent]) -> tuple[list[Change], int]:
    """All changes of a run, losses of state first, and how many resources stay as they are."""
    changes: dict[tuple[str, str, str], Change] = {}
    unchanged = 0
    for event in events:
        if event.resource_pre_event is None:
            continue
        step = event.resource_pre_event.metadata
        if step.op in _UNTOUCHED and not step.type.startswith(_ENGINES_OWN):
            unchanged += 1
        change = change_of(step)
        if change is not None:
            changes[(change.operation, change.type, change.name)] = change
    return sorted(changes.values(), key=_gravity), unchanged


def drift_in(events: Iterable[EngineEvent]) -> list[Change]:
    """What a refresh found to differ: the engine says it when it has read a resource."""
    found = [
        change
        for event in events
        if event.res_outputs_event is not None
        and (change := change_of(event.res_outputs_event.metadata)) is not None
        and change.operation != "refresh"
    ]
    return sorted(found, key=_gravity)


def failures_of(events: Iterable[EngineEvent]) -> list[str]:
    """What the engine said of single resources, `type name: message`; else of the program."""
    resources, program = [], []
    for event in events:
        said = event.diagnostic_event
        if said is None or said.severity != "error":
            continue
        message = " ".join(said.message.split())
        parts = (said.urn or "").split("::")
        kind = parts[2].split("$")[-1] if len(parts) > 2 else ""
        if kind and not kind.startswith(_ENGINES_OWN):
            resources.append(f"{kind} {parts[-1]}: {message}")
        else:
            program.append(message)
    return list(dict.fromkeys(resources or program))


def fingerprint(deployment: Mapping[str, object], config: Mapping[str, str]) -> str:
    """Of what an update starts from: the resources that are known, and the configuration.

    Of secrets in the state the ciphertext, which stays while nobody writes them.
    """
    known = {"resources": deployment.get("resources") or [], "config": dict(config)}
    return _digest(known)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _gravity(change: Change) -> tuple[int, str, str]:
    order = 0 if change.loses_state else {"replace": 1, "delete": 2}.get(change.operation, 3)
    return order, change.type, change.name
