"""Who writes logs into the bucket for logs, each under a prefix of its own."""

from collections.abc import Sequence

import pulumi

from infra.state.resource_policy import Guest


def load_balancer_logs(region: str, account: pulumi.Input[str]) -> Guest:
    """Access logs of load balancers, under `alb/`."""
    return Guest(
        "logdelivery.elasticloadbalancing.amazonaws.com",
        ["s3:PutObject"],
        {
            "ArnLike": {
                "aws:SourceArn": pulumi.Output.format(
                    "arn:aws:elasticloadbalancing:{0}:{1}:loadbalancer/*", region, account
                )
            }
        },
        "/alb/*",
    )


def cdn_logs(account: pulumi.Input[str]) -> Guest:
    """Access logs of CloudFront, under `cdn/`; their deliveries are always of us-east-1."""
    return Guest(
        "delivery.logs.amazonaws.com",
        ["s3:PutObject"],
        {
            "StringEquals": {
                "aws:SourceAccount": account,
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
            "ArnLike": {
                "aws:SourceArn": pulumi.Output.format(
                    "arn:aws:logs:us-east-1:{0}:delivery-source:*", account
                )
            },
        },
        "/cdn/*",
    )


def server_logs(account: pulumi.Input[str]) -> Guest:
    """Access logs of the other buckets, under `s3/`."""
    return Guest(
        "logging.s3.amazonaws.com",
        ["s3:PutObject"],
        {"StringEquals": {"aws:SourceAccount": account}},
        "/s3/*",
    )


def trail_logs(region: str, account: pulumi.Input[str], trail: str) -> Sequence[Guest]:
    """CloudTrail's records of the account, under `AWSLogs/`; it looks at the policy first."""
    conditions = {
        "StringEquals": {
            "aws:SourceArn": pulumi.Output.format(
                "arn:aws:cloudtrail:{0}:{1}:trail/{2}", region, account, trail
            )
        }
    }
    service = "cloudtrail.amazonaws.com"
    return (
        Guest(service, ["s3:GetBucketAcl"], conditions),
        Guest(service, ["s3:PutObject"], conditions, "/AWSLogs/*"),
    )
