"""A role that an AWS service takes on our behalf, with policies of AWS' own."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def service_role(
    name: str,
    trust: pulumi.Input[str],
    *,
    physical_name: str,
    policies: Sequence[str],
    opts: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """The role, and the attachments of `policies`, which are ARNs: what to wait for."""
    role = aws.iam.Role(name, name=physical_name, assume_role_policy=trust, opts=opts)
    attachments: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{arn.rsplit('/', maxsplit=1)[-1]}", role=role.name, policy_arn=arn, opts=opts
        )
        for arn in policies
    ]
    return role, attachments
