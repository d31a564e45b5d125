"""Who is turned away before anything of ours is asked."""

from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.edge.firewall_rules import MEDIA_PATHS, OF_BODIES, OF_EVERYBODY, ManagedGroup
from infra.names import Names

RATE_WINDOW_SECONDS = 300


@dataclass(frozen=True)
class FirewallArgs:
    """What `Firewall` takes.

    Args:
        names: Of the stack.
        scope: `REGIONAL` for load balancers and API Gateway; `CLOUDFRONT`, which only us-east-1
            makes.
        rate_limit: Requests of one address in five minutes.
        log_retention_days: How long it is kept whom it turned away.
        logs_key: ARN of the key of logs of its region, if any.
    """

    names: Names
    scope: Literal["REGIONAL", "CLOUDFRONT"]
    rate_limit: int
    log_retention_days: int
    logs_key: pulumi.Input[str] | None


class Firewall(Component):
    """A web ACL with AWS' managed rules and a rate rule.

    Attributes:
        arn: For a load balancer, a stage or a distribution.
    """

    KIND = "edge:Firewall"

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        called = args.names.of(f"waf-{args.scope.lower()}")
        acl = aws.wafv2.WebAcl(
            name,
            name=called,
            scope=args.scope,
            default_action={"allow": {}},
            rules=[
                _rate_rule(0, args.rate_limit),
                _managed(1, OF_EVERYBODY),
                _media_rule(2),
                *(_managed(place, group) for place, group in enumerate(OF_BODIES, start=3)),
            ],
            visibility_config=_seen_as(called),
            opts=self.child(),
        )
        group = aws.cloudwatch.LogGroup(
            name,
            # WAF writes to groups whose names begin so, and to no others.
            name=f"aws-waf-logs-{called}",
            retention_in_days=args.log_retention_days,
            kms_key_id=args.logs_key,
            opts=self.child(),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [
                            {"action_condition": {"action": "BLOCK"}},
                            {"action_condition": {"action": "COUNT"}},
                        ],
                    }
                ],
            },
            # What lets people in does not belong into logs.
            redacted_fields=[
                {"single_header": {"name": "authorization"}},
                {"single_header": {"name": "cookie"}},
            ],
            opts=self.child(),
        )
        self.arn = acl.arn
        self.register_outputs({"arn": self.arn})


def _seen_as(metric: str) -> Any:
    """For the ACL and for a rule, which have types of their own for the same three words."""
    return {
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
        "metric_name": metric,
    }


def _rate_rule(priority: int, limit: int) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": "rate",
        "priority": priority,
        "action": {"block": {"custom_response": {"response_code": 429}}},
        "statement": {
            "rate_based_statement": {
                "limit": limit,
                "aggregate_key_type": "IP",
                "evaluation_window_sec": RATE_WINDOW_SECONDS,
            }
        },
        "visibility_config": _seen_as("rate"),
    }


def _media_rule(priority: int) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": "media",
        "priority": priority,
        "action": {"allow": {}},
        "statement": {
            "regex_match_statement": {
                "regex_string": MEDIA_PATHS,
                "field_to_match": {"uri_path": {}},
                "text_transformations": [{"priority": 0, "type": "NONE"}],
            }
        },
        "visibility_config": _seen_as("media"),
    }


def _managed(priority: int, group: ManagedGroup) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": group.short_name,
        "priority": priority,
        "override_action": {"none": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": group.name,
                "rule_action_overrides": [
                    {"name": rule, "action_to_use": {"count": {}}} for rule in group.only_counts
                ],
            }
        },
        "visibility_config": _seen_as(group.short_name),
    }
