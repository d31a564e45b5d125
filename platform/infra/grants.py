"""Access as a value: what a holder may do, and what it must be told to do it.

A queue, a bucket, a secret hands out grants; a workload holds some, and its role's policy and its
environment are made of them. So nothing is told of what it may not use, and nothing may be used of
which nothing is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True)
class Statement:
    """Allowed actions on resources, as IAM spells both.

    Args:
        actions: Such as `s3:GetObject`; never with a `*`.
        resources: ARNs. `*` alone is for actions that know no resource, and says so in `why_all`.
        conditions: Operator to condition key to values.
        why_all: Why the resources are all; the policy pack asks.
    """

    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    conditions: Mapping[str, Mapping[str, Sequence[pulumi.Input[str]]]] = field(
        default_factory=dict
    )
    why_all: str | None = None


@dataclass(frozen=True)
class SecretValue:
    """Where a variable's value lies in Secrets Manager.

    Args:
        name: Name of the secret.
        arn: Its ARN.
        key: Which field of its JSON; the whole where it is None.
        version: Another one when the program changes the value: External Secrets then looks at once
            and not when its hour is over. A pod that is told of a key would start without it.
        template: A text with fields of its JSON in it, as External Secrets writes templates:
            `postgresql+asyncpg://{{ .username }}:{{ .password | urlquery }}@host/spool`.
    """

    name: pulumi.Input[str]
    arn: pulumi.Input[str]
    key: str | None = None
    version: pulumi.Input[str] | None = None
    template: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class Grant:
    """What a holder may do and is told.

    Args:
        statements: For the holder's role.
        environment: Variables, plain.
        secrets: Variables whose values External Secrets brings from Secrets Manager. The holder's
            own role reads none of them.
    """

    statements: Sequence[Statement] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, SecretValue] = field(default_factory=dict)

    def __or__(self, other: Grant) -> Grant:
        """Both. A variable that both name with different values is a mistake in the wiring.

        Raises:
            ValueError: with the variable.
        """
        for name in {*self.environment, *self.secrets} & {*other.environment, *other.secrets}:
            same = (
                self.environment.get(name) is other.environment.get(name)
                or self.environment.get(name) == other.environment.get(name)
            ) and self.secrets.get(name) == other.secrets.get(name)
            if not same:
                raise ValueError(f"two grants tell {name} two things")
        return Grant(
            statements=(*self.statements, *other.statements),
            environment={**self.environment, **other.environment},
            secrets={**self.secrets, **other.secrets},
        )


def combined(grants: Sequence[Grant]) -> Grant:
    """All of them in one.

    Raises:
        ValueError: as `Grant.__or__`.
    """
    whole = Grant()
    for grant in grants:
        whole = whole | grant
    return whole


def key_use(key: pulumi.Input[str] | None, *actions: str) -> list[Statement]:
    """What it takes besides where a key of ours encrypts; nothing where AWS' own does."""
    return [] if key is None else [Statement(actions, [key])]


def policy_document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The statements as an IAM policy, equal actions under equal conditions merged, in order."""
    return pulumi.Output.all(
        *(
            pulumi.Output.all(resources=list(each.resources), conditions=dict(each.conditions))
            for each in statements
        )
    ).apply(lambda known: _document(statements, known))


def _document(statements: Sequence[Statement], known: Sequence[Mapping[str, object]]) -> str:
    merged: dict[str, dict[str, object]] = {}
    for statement, values in zip(statements, known, strict=True):
        key = json.dumps([sorted(statement.actions), values["conditions"]], sort_keys=True)
        entry = merged.setdefault(
            key, {"Effect": "Allow", "Action": sorted(statement.actions), "Resource": []}
        )
        resources = entry["Resource"]
        assert isinstance(resources, list)  # noqa: S101  # made two lines above
        resources.extend(arn for arn in values["resources"] if arn not in resources)  # type: ignore[attr-defined]  # a list of ARNs
        if values["conditions"]:
            entry["Condition"] = values["conditions"]
    return json.dumps({"Version": "2012-10-17", "Statement": list(merged.values())}, indent=2)
