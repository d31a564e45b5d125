"""Certificates, firewalls and API Gateway."""

import re
from typing import Literal

import pulumi
import pytest

from infra.config.settings import Settings
from infra.edge.api_gateway import ApiGateway, ApiGatewayArgs
from infra.edge.certificate import Certificate, CertificateArgs
from infra.edge.firewall import Firewall, FirewallArgs
from infra.edge.firewall_rules import MEDIA_PATHS
from infra.edge.gateway_routes import ROUTES
from infra.names import Names
from infra.program.edge import rate_limit
from tests.infra.programs import minimal
from tests.infra.recorder import Recording, record

NAMES = Names("spool", "dev")


def test_a_certificate_is_there_once_it_is_proven() -> None:
    def program() -> None:
        certificate = Certificate("certificate", CertificateArgs("videos.example", "Z1"))
        pulumi.export("arn", certificate.arn)

    recording = record(program)
    (proof,) = recording.of_type("aws:route53/record:Record")
    assert proof.inputs["name"] == "_proof.videos.example."
    proven = recording.one("aws:acm/certificateValidation:CertificateValidation")
    assert proven.inputs["validationRecordFqdns"] == ["_proof.videos.example."]
    assert recording.outputs["arn"] == proven.inputs["certificateArn"]


def _firewall(scope: Literal["REGIONAL", "CLOUDFRONT"]) -> Recording:
    return record(lambda: (Firewall("waf", FirewallArgs(NAMES, scope, 2000, 7, None)), None)[1])


@pytest.mark.parametrize("scope", ["REGIONAL", "CLOUDFRONT"])
def test_a_rate_rule_and_managed_rules_are_logged_where_waf_may_write(
    scope: Literal["REGIONAL", "CLOUDFRONT"],
) -> None:
    recording = _firewall(scope)
    acl = recording.one("aws:wafv2/webAcl:WebAcl").inputs
    rules = acl["rules"]
    assert rules[0]["statement"]["rateBasedStatement"]["limit"] == 2000
    assert [each["name"] for each in rules] == [
        "rate",
        "AmazonIpReputationList",
        "media",
        "KnownBadInputs",
        "Common",
        "SQLi",
    ]
    assert [each["priority"] for each in rules] == list(range(6))
    group = recording.one("aws:cloudwatch/logGroup:LogGroup").inputs["name"]
    assert group == f"aws-waf-logs-spool-waf-{scope.lower()}-dev"


@pytest.mark.parametrize(
    ("values", "viewers", "limit"),
    [
        ({}, False, 2000),
        ({}, True, 20_000),
        # A key's 50 a second for five minutes come from API Gateway's few addresses.
        ({"apiGateway": "true", "domain": "a.example", "hostedZoneId": "Z1"}, False, 15_000),
    ],
)
def test_who_passes_api_gateway_is_not_taken_for_a_flood(
    values: dict[str, str], viewers: bool, limit: int
) -> None:
    settings = Settings.of("spool", "dev", {**minimal("dev"), **values})
    assert rate_limit(settings.edge, viewers=viewers) == limit


def test_uploads_pass_what_looks_into_bodies() -> None:
    rules = _firewall("REGIONAL").one("aws:wafv2/webAcl:WebAcl").inputs["rules"]
    rule = {each["name"]: each for each in rules}
    assert rule["media"]["action"] == {"allow": {}}
    assert rule["media"]["statement"]["regexMatchStatement"]["regexString"] == MEDIA_PATHS
    for path in ("/v1/tus/upl_1", "/v1/tus", "/v1/uploads/simple", "/api/uploader/upload"):
        assert re.search(MEDIA_PATHS, path)
    for path in ("/v1/uploads", "/v1/uploads/simpler", "/x/v1/tus", "/api/uploader/uploads"):
        assert not re.search(MEDIA_PATHS, path)
    common = rule["Common"]["statement"]["managedRuleGroupStatement"]
    # Completing an upload names all its parts.
    assert "SizeRestrictions_BODY" in [each["name"] for each in common["ruleActionOverrides"]]


def _gateway(*, cache: bool) -> Recording:
    def program() -> None:
        args = ApiGatewayArgs(
            names=NAMES,
            site="https://videos.example",
            requests_per_second=50,
            burst=100,
            requests_per_month=1_000_000,
            cache=cache,
            firewall_arn="arn:aws:wafv2:us-east-1:1:regional/webacl/x/1",
        )
        ApiGateway("gateway", args)

    return record(program)


def test_everything_needs_a_key_and_is_throttled() -> None:
    recording = _gateway(cache=False)
    methods = recording.of_type("aws:apigateway/method:Method")
    needs = {each.name: each.inputs["apiKeyRequired"] for each in methods}
    assert needs == {"gateway-all": True, "gateway-openapi-json": False}
    plan = recording.one("aws:apigateway/usagePlan:UsagePlan").inputs
    assert plan["throttleSettings"] == {"rateLimit": 50, "burstLimit": 100}
    assert plan["quotaSettings"] == {"limit": 1_000_000, "period": "MONTH"}
    passed = recording.one("aws:apigateway/integration:Integration", "gateway-all").inputs
    assert passed["uri"] == "https://videos.example/{proxy}"
    assert recording.of_type("aws:wafv2/webAclAssociation:WebAclAssociation")


@pytest.mark.parametrize("cache", [True, False])
def test_only_what_is_the_same_for_everybody_is_cached(cache: bool) -> None:
    recording = _gateway(cache=cache)
    assert recording.one("aws:apigateway/stage:Stage").inputs["cacheClusterEnabled"] is cache
    cached = {
        each.inputs["methodPath"]: each.inputs["settings"]["cachingEnabled"]
        for each in recording.of_type("aws:apigateway/methodSettings:MethodSettings")
    }
    assert cached == {"*/*": False, **({"openapi.json/GET": True} if cache else {})}
    # Answers are kept by path alone: one that needs a key or a login must not be among them.
    assert [each.path for each in ROUTES if each.cached_seconds] == ["openapi.json"]
