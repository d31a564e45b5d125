"""Where the program's resources go: AWS, or a server that stands in for it in tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi_aws as aws

# The services that the program speaks to, as the provider names its endpoints.
_SERVICES = (
    "accessanalyzer", "acm", "apigateway", "autoscaling", "backup", "budgets", "ce",
    "cloudfront", "cloudtrail", "cloudwatch", "cognitoidp", "computeoptimizer", "ec2", "ecr",
    "eks", "elbv2", "events", "guardduty", "iam", "kinesis", "kms", "lambda_", "logs", "rds",
    "route53", "s3", "s3control", "scheduler", "secretsmanager", "sesv2", "ses", "sns", "sqs",
    "ssm", "sts", "wafv2", "xray",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Another target than AWS, from the key `spool:target`.

    Args:
        endpoint: URL of one server that speaks all services.
        path_style: Buckets in the path instead of the host name.
        max_retries: Of one call of the provider.
        skip_types: Types, such as `aws:eks/addon:Addon`, that the target lacks: registered as
            nothing at all, with outputs that are unknown to nobody (see `infra.skipping`).
    """

    endpoint: str | None = None
    path_style: bool = False
    max_retries: int | None = None
    skip_types: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Mapping[str, object] | None) -> Self:
        """From the configuration's object; `problems_of_target` has said that it is sound."""
        value = value or {}
        skip = value.get("skipTypes")
        retries = value.get("maxRetries")
        return cls(
            endpoint=str(value["endpoint"]) if value.get("endpoint") else None,
            path_style=bool(value.get("pathStyle")),
            max_retries=retries if isinstance(retries, int) else None,
            skip_types=tuple(map(str, skip)) if isinstance(skip, list) else (),
        )


def aws_provider(
    name: str,
    region: str,
    tags: Mapping[str, str],
    target: Target,
    account: str | None = None,
) -> aws.Provider:
    """The provider of one region; every resource is given one, none takes a default."""
    options: dict[str, Any] = {}
    if target.endpoint:
        options.update(
            endpoints=[aws.ProviderEndpointArgs(**dict.fromkeys(_SERVICES, target.endpoint))],
            skip_credentials_validation=True,
            skip_metadata_api_check=True,
            skip_region_validation=True,
            s3_use_path_style=target.path_style,
        )
    if target.max_retries is not None:
        options["max_retries"] = target.max_retries
    if account:
        options["allowed_account_ids"] = [account]
    return aws.Provider(
        name,
        region=region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=dict(tags)),
        **options,
    )
