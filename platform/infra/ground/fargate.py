"""Pods without nodes: a Fargate profile for everything but media work.

Fargate runs no DaemonSets. What they do elsewhere it does itself where it can: pods' lines go to
CloudWatch by its own log router (`infra.services.fluent_bit`), whose rights are this role's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement, policy_document
from infra.ground.service_role import service_role
from infra.names import Names
from infra.placement import GENERAL
from infra.trust import service_trust

_POLICY = "arn:aws:iam::aws:policy/AmazonEKSFargatePodExecutionRolePolicy"


@dataclass(frozen=True)
class FargateArgs:
    """What a profile is made of.

    Args:
        names: Names of the stack.
        account, region: Where it is.
        cluster_name: Of the control plane.
        subnet_ids: Private ones; Fargate takes no others.
        system_namespaces: All of whose pods it runs.
        app_namespace: Where it runs the pods that are not of the media pool.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    cluster_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    system_namespaces: Sequence[str]
    app_namespace: str


class Fargate(Component):
    """The profile and the role that starts its pods."""

    KIND = "ground:Fargate"

    def __init__(
        self, name: str, args: FargateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        profile = args.names.of("fargate")
        where = pulumi.Output.concat(args.region, ":", args.account)
        source = pulumi.Output.concat(
            "arn:aws:eks:", where, ":fargateprofile/", args.cluster_name, "/*"
        )
        role, policies = service_role(
            f"{name}-pod",
            source.apply(
                lambda arn: service_trust("eks-fargate-pods", {"ArnLike": {"aws:SourceArn": arn}})
            ),
            physical_name=args.names.of("fargate-pods"),
            policies=[_POLICY],
            opts=self.child(),
        )
        logs = pulumi.Output.concat("arn:aws:logs:", where, ":log-group:", args.names.path("pods"))
        policies.append(
            aws.iam.RolePolicy(
                f"{name}-logs",
                role=role.name,
                name="logs",
                policy=policy_document(
                    [
                        Statement(
                            [
                                "logs:CreateLogStream",
                                "logs:DescribeLogStreams",
                                "logs:PutLogEvents",
                            ],
                            [logs, pulumi.Output.concat(logs, ":*")],
                        )
                    ]
                ),
                opts=self.child(),
            )
        )
        aws.eks.FargateProfile(
            name,
            cluster_name=args.cluster_name,
            fargate_profile_name=profile,
            pod_execution_role_arn=role.arn,
            subnet_ids=list(args.subnet_ids),
            selectors=[
                *(
                    aws.eks.FargateProfileSelectorArgs(namespace=namespace)
                    for namespace in args.system_namespaces
                ),
                aws.eks.FargateProfileSelectorArgs(
                    namespace=args.app_namespace, labels=dict(GENERAL.labels)
                ),
            ],
            opts=self.child(depends_on=policies),
        )
        self.register_outputs({"roleArn": role.arn})
