"""Reads IAM's JSON as the program registered it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.grants import Grant, policy_document
from tests.infra.recorder import record

Statements = list[dict[str, Any]]


def statements(policy: str) -> Statements:
    found: Statements = json.loads(policy)["Statement"]
    return found


def allowed(policy: str) -> dict[str, set[str]]:
    """Resources by action, of what is allowed without conditions or with."""
    result: dict[str, set[str]] = {}
    for each in statements(policy):
        if each["Effect"] == "Allow":
            for action in each["Action"]:
                result.setdefault(action, set()).update(each["Resource"])
    return result


def guests(policy: str) -> dict[str, dict[str, Any]]:
    """Statements that let a service of AWS in, by the service."""
    return {
        each["Principal"]["Service"]: each
        for each in statements(policy)
        if each["Effect"] == "Allow"
    }


def granted(
    grants: Callable[[], Mapping[str, Grant]],
) -> tuple[dict[str, dict[str, set[str]]], dict[str, dict[str, str]]]:
    """What grants come to: resources by action, and environment, each by the grant's name."""

    def program() -> None:
        for name, grant in grants().items():
            aws.iam.Policy(f"granted-{name}", policy=policy_document(grant.statements))
            pulumi.export(name, dict(grant.environment))

    recording = record(program)
    actions = {
        each.name.removeprefix("granted-"): allowed(each.inputs["policy"])
        for each in recording.of_type("aws:iam/policy:Policy")
        if each.name.startswith("granted-")
    }
    return actions, recording.outputs
