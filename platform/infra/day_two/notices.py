"""What services of AWS say by EventBridge and somebody must hear of: to the topic of alarms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Notice:
    """Which events are told.

    Args:
        name: Of the rule.
        source: Such as `aws.backup`.
        kinds: `detail-type` of the events.
        detail: What their details match, in the language of EventBridge's patterns.
    """

    name: str
    source: str
    kinds: Sequence[str]
    detail: Mapping[str, object]


def tell(
    name: str, notice: Notice, topic_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> None:
    """Sends such events to the topic, whose policy lets EventBridge in."""
    rule = aws.cloudwatch.EventRule(
        name,
        name=notice.name,
        event_pattern=json.dumps(
            {
                "source": [notice.source],
                "detail-type": list(notice.kinds),
                "detail": dict(notice.detail),
            }
        ),
        opts=opts,
    )
    aws.cloudwatch.EventTarget(name, rule=rule.name, arn=topic_arn, opts=opts)
