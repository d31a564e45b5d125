"""The distribution, as docs/delivery.md wants it, and what who signs is told."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from infra.edge.delivery import Delivery, DeliveryArgs, Site
from infra.names import Names
from tests.infra.outputs import ACCOUNT
from tests.infra.recorder import Recording, record

_SIGNS = "SPOOL_CLOUDFRONT_KEY_PAIR_ID"
SITE = Site("videos.example", f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1", "Z1")


def _recorded(site: Site | None = SITE) -> Recording:
    def program() -> None:
        delivery = Delivery(
            "delivery",
            DeliveryArgs(
                names=Names("spool", "dev"),
                bucket=aws.s3.Bucket("media", bucket="spool-media"),
                log_target="spool-logs",
                site=site,
                firewall_arn="arn:aws:wafv2:us-east-1:1:global/webacl/x/1",
                public_keys={"new": "-----NEW-----", "old": "-----OLD-----\n"},
                private_keys={"new": "-----SECRET-----", "retired": "-----X-----"},
                signing_key="new",
                secrets_key=None,
                recoverable=False,
                us_east_1=aws.Provider("us-east-1", region="us-east-1"),
            ),
        )
        grant = delivery.grant()
        pulumi.export("environment", dict(grant.environment))
        aws.ssm.Parameter("told", type="String", value=grant.environment[_SIGNS])
        pulumi.export("secrets", list(grant.secrets))
        pulumi.export("versions", [each.version for each in grant.secrets.values()])

    return record(program)


def _distribution(recording: Recording) -> Any:
    return recording.one("aws:cloudfront/distribution:Distribution").inputs


def test_only_signed_requests_reach_the_private_bucket() -> None:
    recording = _recorded()
    distribution = _distribution(recording)
    behavior = distribution["defaultCacheBehavior"]
    assert behavior["trustedKeyGroups"] == ["delivery-KeyGroup"]
    assert "orderedCacheBehaviors" not in distribution
    (origin,) = distribution["origins"]
    assert origin["domainName"] == "spool-media.s3.us-east-1.amazonaws.com"
    assert origin["originAccessControlId"]
    group = recording.one("aws:cloudfront/keyGroup:KeyGroup")
    assert group.inputs["items"] == ["delivery-new-PublicKey", "delivery-old-PublicKey"]
    # Nobody signs by a key that is not in it yet.
    assert group.urn in recording.one("aws:ssm/parameter:Parameter").depends_on
    keys = recording.of_type("aws:cloudfront/publicKey:PublicKey")
    assert all(each.inputs["encodedKey"].endswith("-----\n") for each in keys)


def test_all_viewers_share_what_is_cached() -> None:
    parameters = (
        _recorded()
        .one("aws:cloudfront/cachePolicy:CachePolicy")
        .inputs["parametersInCacheKeyAndForwardedToOrigin"]
    )
    assert parameters["cookiesConfig"] == {"cookieBehavior": "none"}
    assert parameters["queryStringsConfig"] == {"queryStringBehavior": "none"}
    assert parameters["headersConfig"] == {"headerBehavior": "none"}


@pytest.mark.parametrize(
    ("site", "origin", "credentials"), [(SITE, "https://videos.example", True), (None, "*", False)]
)
def test_cookies_need_an_origin_by_name(site: Site | None, origin: str, credentials: bool) -> None:
    policy = (
        _recorded(site).one("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy").inputs
    )
    cors = policy["corsConfig"]
    assert cors["accessControlAllowOrigins"] == {"items": [origin]}
    assert cors["accessControlAllowCredentials"] is credentials
    assert cors["originOverride"]
    headers = {each["header"]: each["value"] for each in policy["customHeadersConfig"]["items"]}
    # What is here is in refusals too: one that says how long it may be kept is met again.
    assert headers == {"Cross-Origin-Resource-Policy": "cross-origin"}


def test_with_a_name() -> None:
    recording = _recorded()
    distribution = _distribution(recording)
    assert distribution["aliases"] == ["media.videos.example"]
    assert distribution["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    records = recording.of_type("aws:route53/record:Record")
    assert {each.inputs["type"] for each in records} == {"A", "AAAA"}
    assert recording.outputs["environment"] == {
        "SPOOL_DELIVERY": "cloudfront",
        "SPOOL_CLOUDFRONT_URL": "https://media.videos.example",
        "SPOOL_CLOUDFRONT_KEY_PAIR_ID": "delivery-new-PublicKey",
        "SPOOL_CLOUDFRONT_COOKIE_DOMAIN": "videos.example",
    }


def test_without_a_name() -> None:
    recording = _recorded(None)
    assert _distribution(recording)["viewerCertificate"] == {"cloudfrontDefaultCertificate": True}
    assert not recording.of_type("aws:route53/record:Record")
    environment = recording.outputs["environment"]
    assert environment["SPOOL_CLOUDFRONT_URL"] == "https://d1.cloudfront.net"
    assert "SPOOL_CLOUDFRONT_COOKIE_DOMAIN" not in environment


def test_private_keys_are_kept_by_cloudfronts_ids_and_only_as_a_secret() -> None:
    recording = _recorded()
    version = recording.one("aws:secretsmanager/secretVersion:SecretVersion")
    assert json.loads(version.inputs["secretString"]["value"]) == {
        "delivery-new-PublicKey": "-----SECRET-----"
    }
    # A rotation comes from the stack's configuration.
    assert not version.ignored
    assert recording.outputs["secrets"] == ["SPOOL_CLOUDFRONT_PRIVATE_KEYS"]
    assert recording.outputs["versions"] == ["version-delivery-keys"]
    assert "SECRET" not in json.dumps(recording.outputs)


def test_logs_are_delivered_from_us_east_1() -> None:
    recording = _recorded()
    delivered = list(recording.under("spool:edge:CdnLogs"))
    assert len(delivered) == 3
    assert all("::us-east-1::" in each.provider for each in delivered)
    destination = recording.one("aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination")
    assert destination.inputs["deliveryDestinationConfiguration"] == {
        "destinationResourceArn": "arn:aws:s3:::spool-logs/cdn"
    }
