"""A role that an AWS service takes on our behalf."""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws


def service_role(
    name: str,
    service: str,
    *,
    physical_name: str,
    policies: Sequence[str],
    opts: pulumi.ResourceOptions,
    conditions: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """The role, and the attachments of `policies`, ARNs of AWS' own: what to wait for.

    Args:
        service: Such as `ec2.amazonaws.com`.
        conditions: When the service may take it; operator to condition key to value.
    """
    trust = pulumi.Output.from_input(dict(conditions or {})).apply(
        lambda known: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": service},
                        "Action": "sts:AssumeRole",
                        **({"Condition": known} if known else {}),
                    }
                ],
            }
        )
    )
    role = aws.iam.Role(name, name=physical_name, assume_role_policy=trust, opts=opts)
    attachments: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{arn.rsplit('/', maxsplit=1)[-1]}", role=role.name, policy_arn=arn, opts=opts
        )
        for arn in policies
    ]
    return role, attachments
