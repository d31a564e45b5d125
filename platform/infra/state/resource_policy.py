"""Policies that a bucket, a queue or a topic carries: nobody without TLS, and the guests it has."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

Conditions = Mapping[str, Mapping[str, pulumi.Input[str]]]


@dataclass(frozen=True)
class Guest:
    """A service of AWS that a resource lets in. Our own roles need no mention: IAM lets them in.

    Args:
        service: Such as `sns.amazonaws.com`.
        actions: What it may do.
        conditions: Operator to condition key to value. A service works for every account, so one
            of them says for whom: `aws:SourceArn` or `aws:SourceAccount`.
        path: Behind the resource's ARN: `/alb/*`.
    """

    service: str
    actions: Sequence[str]
    conditions: Conditions
    path: str = ""


@dataclass(frozen=True)
class Refusal:
    """What nobody may do under a condition.

    Args:
        actions: Refused ones.
        conditions: As `Guest`.
        paths: Behind the resource's ARN.
    """

    actions: Sequence[str]
    conditions: Conditions
    paths: Sequence[str] = field(default=("",))


_PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
BUCKET_REFUSALS = (
    Refusal(["s3:*"], _PLAIN, ("", "/*")),
    Refusal(["s3:*"], {"NumericLessThan": {"s3:TlsVersion": "1.2"}}, ("", "/*")),
)
QUEUE_REFUSALS = (Refusal(["sqs:*"], _PLAIN),)
# SNS takes no `sns:*` in a topic's policy.
TOPIC_REFUSALS = (Refusal(["sns:Publish", "sns:Subscribe"], _PLAIN),)


def resource_policy(
    arn: pulumi.Input[str], refusals: Sequence[Refusal], guests: Sequence[Guest] = ()
) -> pulumi.Output[str]:
    """The policy of the resource `arn` as JSON."""
    conditions = [
        *(dict(each.conditions) for each in refusals),
        *(dict(each.conditions) for each in guests),
    ]
    return pulumi.Output.all(arn=arn, conditions=conditions).apply(
        lambda known: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {**statement, "Condition": condition}
                    for statement, condition in zip(
                        [
                            *(_refused(known["arn"], each) for each in refusals),
                            *(_let_in(known["arn"], each) for each in guests),
                        ],
                        known["conditions"],
                        strict=True,
                    )
                ],
            }
        )
    )


def _refused(arn: str, refusal: Refusal) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": list(refusal.actions),
        "Resource": [arn + path for path in refusal.paths],
    }


def _let_in(arn: str, guest: Guest) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": guest.service},
        "Action": list(guest.actions),
        "Resource": arn + guest.path,
    }
