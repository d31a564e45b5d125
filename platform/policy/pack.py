"""The rules as a Pulumi policy pack: one stack policy a rule, all of them mandatory."""

from collections.abc import Callable, Sequence

import pulumi_policy

from policy.rules import ALL
from policy.rules.rule import Resource, Rule, Stack


def pack(rules: Sequence[Rule] = ALL) -> pulumi_policy.PolicyPack:
    """Registers the pack with the engine that started this process."""
    return pulumi_policy.PolicyPack(
        name="spool",
        enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
        policies=[
            pulumi_policy.StackValidationPolicy(
                name=rule.name, description=rule.about, validate=_validating(rule)
            )
            for rule in rules
        ],
    )


def _validating(
    rule: Rule,
) -> Callable[[pulumi_policy.StackValidationArgs, Callable[..., None]], None]:
    def validate(args: pulumi_policy.StackValidationArgs, report: Callable[..., None]) -> None:
        for violation in rule.violations(stack_of(args.resources)):
            report(f"{violation.resource.name} {violation.message}")

    return validate


def stack_of(resources: Sequence[pulumi_policy.PolicyResource]) -> Stack:
    """What the rules look at. The preset is the tag that the providers put on everything."""
    tags: dict[str, str] = {}
    for each in resources:
        if each.resource_type == "pulumi:providers:aws":
            tags |= (each.props.get("defaultTags") or {}).get("tags") or {}
    return Stack(
        resources=[
            Resource(each.resource_type, each.name, each.props, bool(each.opts.protect))
            for each in resources
        ],
        preset=tags.get("preset", "dev"),
        eu_residency=tags.get("residency") == "eu",
    )
