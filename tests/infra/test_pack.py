"""The pack as the engine asks it: the SDK's own lists and objects, with values yet unknown."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pulumi_policy
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.pack import stack_of, validating
from policy.rules import ALL
from policy.rules.rule import UNKNOWN


def _resource(type_: str, called: str, /, **properties: Any) -> pulumi_policy.PolicyResource:
    held = SimpleNamespace(
        resource_type=type_,
        name=called,
        urn=f"urn:pulumi:dev::spool::{type_}::{called}",
        props=unknown_checking_proxy(properties),
        opts=SimpleNamespace(protect=True),
    )
    return cast("pulumi_policy.PolicyResource", held)


def _provider(**tags: str) -> pulumi_policy.PolicyResource:
    return _resource("pulumi:providers:aws", "aws", defaultTags=json.dumps({"tags": tags}))


def test_preset_and_residency_are_the_providers_tags() -> None:
    stack = stack_of([_provider(preset="prod", residency="eu")])
    assert (stack.preset, stack.eu_residency) == ("prod", True)
    assert stack_of([]).preset == "dev"


def test_lists_are_looked_into_and_unknown_values_are_no_fault() -> None:
    group = _resource(
        "aws:ec2/securityGroup:SecurityGroup",
        "open",
        vpcId=UNKNOWN_STRING_VALUE,
        ingress=[{"cidrBlocks": ["0.0.0.0/0"], "fromPort": 22}],
    )
    (found,) = stack_of([group]).resources
    assert found.get("vpcId") is UNKNOWN
    (rule,) = [each for each in ALL if each.name == "no-open-security-groups"]
    reported: list[tuple[str, str]] = []
    validating(rule)(
        pulumi_policy.StackValidationArgs([group]), lambda *said: reported.append(said)
    )
    assert reported == [("open lets the internet in; name a group or a range.", group.urn)]


def test_every_rule_takes_what_the_engine_gives() -> None:
    resources = [_provider(preset="prod"), _resource("aws:sqs/queue:Queue", "plain", name="q")]
    reported: list[str] = []
    for rule in ALL:
        validating(rule)(
            pulumi_policy.StackValidationArgs(resources), lambda said, _urn: reported.append(said)
        )
    assert any("is not encrypted" in each for each in reported)
