"""Access logs of the CDN, by CloudWatch's log deliveries into the bucket for logs.

CloudFront's older way writes by access control lists, which our buckets have switched off.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names

_LONGEST = 60


@dataclass(frozen=True)
class CdnLogsArgs:
    """What `CdnLogs` takes.

    Args:
        names: Of the stack.
        distribution_arn: Whose requests.
        bucket: Gets them under `cdn/`; its policy lets the delivery in.
    """

    names: Names
    distribution_arn: pulumi.Input[str]
    bucket: aws.s3.Bucket


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
                "destination_resource_arn": pulumi.Output.format("{0}/cdn", args.bucket.arn)
            },
            opts=self.child(),
        )
        aws.cloudwatch.LogDelivery(
            name,
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            s3_delivery_configurations=[
                {"suffix_path": "/{yyyy}/{MM}/{dd}/{HH}", "enable_hive_compatible_path": False}
            ],
            opts=self.child(),
        )
        self.register_outputs({})
