"""A role that an AWS service takes on our behalf."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.grants import Statement, policy_document


def service_role(
    name: str,
    trust: pulumi.Input[str],
    *,
    physical_name: str,
    policies: Sequence[str] = (),
    may: Sequence[Statement] = (),
    opts: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """The role, and what to wait for before the service takes it.

    Args:
        policies: ARNs of AWS' own.
        may: What it may do beside them.
    """
    role = aws.iam.Role(name, name=physical_name, assume_role_policy=trust, opts=opts)
    ready: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{arn.rsplit('/', maxsplit=1)[-1]}", role=role.name, policy_arn=arn, opts=opts
        )
        for arn in policies
    ]
    if may:
        policy = policy_document(may)
        ready.append(aws.iam.RolePolicy(name, role=role.id, policy=policy, opts=opts))
    return role, ready
