"""The rules as a Pulumi policy pack: one stack policy a rule, all of them mandatory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi_policy
from pulumi_policy.proxy import UnknownValueError

from policy.rules import ALL
from policy.rules.rule import UNKNOWN, Resource, Rule, Stack, default_tags


def pack(rules: Sequence[Rule] = ALL) -> pulumi_policy.PolicyPack:
    """Registers the pack with the engine that started this process."""
    return pulumi_policy.PolicyPack(
        name="spool",
        enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
        policies=[
            pulumi_policy.StackValidationPolicy(
                name=rule.name, description=rule.about, validate=validating(rule)
            )
            for rule in rules
        ],
    )


def validating(
    rule: Rule,
) -> Callable[[pulumi_policy.StackValidationArgs, Callable[..., None]], None]:
    """What the engine calls for a rule: all resources in, a report for each that breaks it."""

    def validate(args: pulumi_policy.StackValidationArgs, report: Callable[..., None]) -> None:
        for violation in rule.violations(stack_of(args.resources)):
            resource = violation.resource
            report(f"{resource.name} {violation.message}", resource.urn)

    return validate


def stack_of(resources: Sequence[pulumi_policy.PolicyResource]) -> Stack:
    """What the rules look at. The preset is the tag that the providers put on everything."""
    stack = Stack(
        [
            Resource(
                each.resource_type,
                each.name,
                _plain(each.props),
                bool(each.opts.protect),
                each.urn,
            )
            for each in resources
        ]
    )
    tags = {
        key: value
        for provider in stack.of("pulumi:providers:aws")
        for key, value in default_tags(provider).items()
    }
    return replace(
        stack, preset=tags.get("preset", "dev"), eu_residency=tags.get("residency") == "eu"
    )


def _plain(value: Any) -> Any:
    """Plain lists and objects: the SDK's raise on what is not known, and no list is a `list`."""
    if isinstance(value, Mapping):
        return {key: _at(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_at(value, index) for index in range(len(value))]
    return value


def _at(value: Any, key: Any) -> Any:
    try:
        return _plain(value[key])
    except UnknownValueError:
        return UNKNOWN
