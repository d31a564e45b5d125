"""Who spoke to whom in the VPC, and what was refused: flow logs into CloudWatch."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement
from infra.ground.service_role import service_role
from infra.names import Names
from infra.trust import service_trust


@dataclass(frozen=True)
class FlowLogsArgs:
    """What `FlowLogs` takes.

    Args:
        key: ARN of the log group's key; AWS' own where it is None.
    """

    names: Names
    vpc_id: pulumi.Input[str]
    retention_days: int
    key: pulumi.Input[str] | None


class FlowLogs(Component):
    """A log group, a role to write into it, and the flow log."""

    KIND = "ground:FlowLogs"

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        group = aws.cloudwatch.LogGroup(
            name,
            name=args.names.path("vpc", "flow"),
            retention_in_days=args.retention_days,
            kms_key_id=args.key,
            opts=self.child(),
        )
        streams = pulumi.Output.concat(group.arn, ":*")
        role, ready = service_role(
            name,
            service_trust("vpc-flow-logs"),
            physical_name=args.names.of("flow-logs"),
            may=[
                Statement(["logs:CreateLogStream", "logs:PutLogEvents"], [streams]),
                Statement(["logs:DescribeLogStreams"], [group.arn, streams]),
            ],
            opts=self.child(),
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags={"Name": args.names.of("flow-logs")},
            # Its first records would be refused.
            opts=self.child(depends_on=ready),
        )
        self.register_outputs({"log_group": group.name})
