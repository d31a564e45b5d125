"""CloudFront in front of the media bucket, as docs/delivery.md wants it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.edge.cdn_logs import CdnLogs, CdnLogsArgs
from infra.edge.cdn_policies import cache_policy, headers_policy
from infra.grants import Grant
from infra.names import Names
from infra.state.kept_secret import KeptSecret, KeptSecretArgs

_ORIGIN = "media"
_METHODS = ["GET", "HEAD", "OPTIONS"]
# Who renews a grant must not meet the old answer.
_REFUSAL_SECONDS = 5


def media_domain(domain: str) -> str:
    """What media is under, beside the pages' own name."""
    return f"media.{domain}"


@dataclass(frozen=True)
class Site:
    """Names under which page and media are of one site, so that cookies reach both.

    Args:
        domain: Of the pages; cookies are for it: `videos.example`.
        certificate_arn: For `media.<domain>`, of us-east-1.
        zone_id: Route 53 zone of both.
    """

    domain: str
    certificate_arn: pulumi.Input[str]
    zone_id: str


@dataclass(frozen=True)
class DeliveryArgs:
    """What `Delivery` takes.

    Args:
        names: Of the stack.
        bucket: Of media; its policy lets the distribution in (`BucketsArgs.distribution_arn`).
        log_target: Bucket that gets a line for every request (`Buckets.log_target`).
        site: Names, if there are any. Without, media has a name of CloudFront's and viewers have
            signed addresses instead of cookies.
        firewall_arn: Of scope CLOUDFRONT.
        public_keys: PEM by a name of ours. All of them verify.
        private_keys: PEM by the same names, though not of all of them.
        signing_key: Name of the one that signs.
        secrets_key: ARN of the key of secrets; the account's own where it is None.
        recoverable: As `KeptSecretArgs`.
        us_east_1: Provider of the only region that knows of CloudFront's logs.
    """

    names: Names
    bucket: aws.s3.Bucket
    log_target: pulumi.Input[str]
    site: Site | None
    firewall_arn: pulumi.Input[str] | None
    public_keys: Mapping[str, str]
    private_keys: Mapping[str, str]
    signing_key: str
    secrets_key: pulumi.Input[str] | None
    recoverable: bool
    us_east_1: aws.Provider


class Delivery(Component):
    """A distribution that lets in whoever has a signature of its key group.

    Attributes:
        arn, id: Of the distribution.
        url: `https://media.videos.example`.
        private_keys: The secret.
    """

    KIND = "edge:Delivery"

    def __init__(
        self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._site = args.site
        keys = {
            known: aws.cloudfront.PublicKey(
                f"{name}-{known}",
                name=args.names.of(f"media-{known}"),
                # CloudFront ends it in a line feed, and a difference would replace the key.
                encoded_key=f"{pem.strip()}\n",
                opts=self.child(),
            )
            for known, pem in sorted(args.public_keys.items())
        }
        ids = {known: key.id for known, key in keys.items()}
        group = aws.cloudfront.KeyGroup(
            name,
            name=args.names.of("media"),
            items=list(ids.values()),
            opts=self.child(),
        )
        # Known when the group has it: viewers would be turned away by what it signs before that.
        self._signs = pulumi.Output.all(ids[args.signing_key], group.id).apply(
            lambda known: str(known[0])
        )
        distribution = self._distribution(name, args, group)
        self.arn, self.id = distribution.arn, distribution.id
        host: pulumi.Input[str] = (
            media_domain(args.site.domain) if args.site else distribution.domain_name
        )
        self.url = pulumi.Output.format("https://{0}", host)
        signing = {known: id_ for known, id_ in ids.items() if known in args.private_keys}
        self.private_keys = KeptSecret(
            f"{name}-keys",
            KeptSecretArgs(
                name=args.names.path("api", "delivery"),
                about="Private keys of signed cookies and addresses, by CloudFront's ids.",
                value=pulumi.Output.all(**signing).apply(
                    lambda made: json.dumps(
                        {made[known]: args.private_keys[known] for known in made}
                    )
                ),
                kms_key=args.secrets_key,
                recoverable=args.recoverable,
                first_value_stays=False,
            ),
            opts=self.child(),
        )
        self.register_outputs({"url": self.url, "arn": self.arn})

    def grant(self) -> Grant:
        """Signs for viewers (the role `catalog`)."""
        environment: dict[str, pulumi.Input[str]] = {
            "SPOOL_DELIVERY": "cloudfront",
            "SPOOL_CLOUDFRONT_URL": self.url,
            "SPOOL_CLOUDFRONT_KEY_PAIR_ID": self._signs,
        }
        if self._site:
            environment["SPOOL_CLOUDFRONT_COOKIE_DOMAIN"] = self._site.domain
        return Grant(
            environment=environment,
            secrets={"SPOOL_CLOUDFRONT_PRIVATE_KEYS": self.private_keys.value()},
        )

    def _distribution(
        self, name: str, args: DeliveryArgs, group: aws.cloudfront.KeyGroup
    ) -> aws.cloudfront.Distribution:
        site = args.site
        access = aws.cloudfront.OriginAccessControl(
            name,
            name=args.names.of("media"),
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self.child(),
        )
        cached = cache_policy(name, args.names.of("media"), self.child())
        headers = headers_policy(
            name, args.names.of("media"), f"https://{site.domain}" if site else None, self.child()
        )
        distribution = aws.cloudfront.Distribution(
            name,
            comment=args.names.of("media"),
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_100",
            aliases=[media_domain(site.domain)] if site else [],
            web_acl_id=args.firewall_arn,
            origins=[
                {
                    "origin_id": _ORIGIN,
                    "domain_name": args.bucket.bucket_regional_domain_name,
                    "origin_access_control_id": access.id,
                }
            ],
            default_cache_behavior={
                "target_origin_id": _ORIGIN,
                "viewer_protocol_policy": "https-only",
                "allowed_methods": _METHODS,
                "cached_methods": _METHODS,
                "compress": True,
                "cache_policy_id": cached.id,
                "response_headers_policy_id": headers.id,
                "trusted_key_groups": [group.id],
            },
            custom_error_responses=[{"error_code": 403, "error_caching_min_ttl": _REFUSAL_SECONDS}],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={
                "acm_certificate_arn": site.certificate_arn,
                "ssl_support_method": "sni-only",
                "minimum_protocol_version": "TLSv1.2_2021",
            }
            if site
            else {"cloudfront_default_certificate": True},
            opts=self.child(),
        )
        # Without it CloudFront does not tell which share of requests its caches answer.
        aws.cloudfront.MonitoringSubscription(
            name,
            distribution_id=distribution.id,
            monitoring_subscription={
                "realtime_metrics_subscription_config": {
                    "realtime_metrics_subscription_status": "Enabled"
                }
            },
            opts=self.child(),
        )
        CdnLogs(
            f"{name}-logs",
            CdnLogsArgs(args.names, distribution.arn, args.log_target),
            opts=self.child(providers=[args.us_east_1]),
        )
        if site:
            for type_ in ("A", "AAAA"):
                aws.route53.Record(
                    f"{name}-{type_.lower()}",
                    zone_id=site.zone_id,
                    name=media_domain(site.domain),
                    type=type_,
                    aliases=[
                        {
                            "name": distribution.domain_name,
                            "zone_id": distribution.hosted_zone_id,
                            "evaluate_target_health": False,
                        }
                    ],
                    opts=self.child(),
                )
        return distribution
