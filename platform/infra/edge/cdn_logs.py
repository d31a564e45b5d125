"""Access logs of the CDN, by CloudWatch's log deliveries into the bucket for logs.

CloudFront's older way writes by access control lists, which our buckets have switched off.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names
from infra.state.log_guests import CDN

_LONGEST = 60


@dataclass(frozen=True)
class CdnLogsArgs:
    """What `CdnLogs` takes.

    Args:
        names: Of the stack.
        distribution_arn: Whose requests.
        target: Name of the bucket that gets them under `cdn/`; its policy lets the delivery in. If
            it did not, AWS would write itself into the policy.
    """

    names: Names
    distribution_arn: pulumi.Input[str]
    target: pulumi.Input[str]


class CdnLogs(Component):
    """A delivery of access logs. Made in us-east-1, wherever the bucket is."""

    KIND = "edge:CdnLogs"

    def __init__(
        self, name: str, args: CdnLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        called = args.names.of("cdn-requests", longest=_LONGEST)
        source = aws.cloudwatch.LogDeliverySource(
            name,
            name=called,
            log_type="ACCESS_LOGS",
            resource_arn=args.distribution_arn,
            opts=self.child(),
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            name,
            name=called,
            output_format="json",
            delivery_destination_configuration={
                "destination_resource_arn": pulumi.Output.format(
                    "arn:aws:s3:::{0}/{1}", args.target, CDN
                )
            },
            opts=self.child(),
        )
        aws.cloudwatch.LogDelivery(
            name,
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            opts=self.child(),
        )
        self.register_outputs({})
