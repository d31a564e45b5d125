"""Who writes logs into the bucket for logs, each under a prefix of its own."""

from collections.abc import Sequence

from infra.state.resource_policy import Guest

# Prefixes; who tells a service where to write takes its own from here.
BALANCER, CDN, BUCKETS = "alb", "cdn", "s3"


def load_balancer_logs(region: str, account: str) -> Guest:
    """Access logs of load balancers, under `BALANCER`."""
    return Guest(
        "logdelivery.elasticloadbalancing.amazonaws.com",
        ["s3:PutObject"],
        {
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/*"
            }
        },
        f"/{BALANCER}/*",
    )


def cdn_logs(account: str) -> Guest:
    """Access logs of CloudFront, under `CDN`; their deliveries are always of us-east-1."""
    return Guest(
        "delivery.logs.amazonaws.com",
        ["s3:PutObject"],
        {
            "StringEquals": {
                "aws:SourceAccount": account,
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
            "ArnLike": {"aws:SourceArn": f"arn:aws:logs:us-east-1:{account}:delivery-source:*"},
        },
        f"/{CDN}/*",
    )


def server_logs(account: str) -> Guest:
    """Access logs of the other buckets, under `BUCKETS`."""
    return Guest(
        "logging.s3.amazonaws.com",
        ["s3:PutObject"],
        {"StringEquals": {"aws:SourceAccount": account}},
        f"/{BUCKETS}/*",
    )


def trail_logs(region: str, account: str, trail: str) -> Sequence[Guest]:
    """CloudTrail's records of the account, under `AWSLogs/`; it looks at the policy first."""
    conditions = {
        "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:{region}:{account}:trail/{trail}"}
    }
    service = "cloudtrail.amazonaws.com"
    return (
        Guest(service, ["s3:GetBucketAcl"], conditions),
        Guest(service, ["s3:PutObject"], conditions, "/AWSLogs/*"),
    )
