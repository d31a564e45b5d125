"""On the way: TLS 1.2 or newer."""

import json

from policy.rules.rule import Found, Rule, Stack, listed

_LISTENER_POLICIES = ("ELBSecurityPolicy-TLS13-", "ELBSecurityPolicy-TLS-1-2-")
_CDN_OLDEST = ("TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_SSL_POLICY = "alb.ingress.kubernetes.io/ssl-policy"
_PORTS = "alb.ingress.kubernetes.io/listen-ports"


def _cdn(stack: Stack) -> Found:
    for resource in stack.of("aws:cloudfront/distribution:Distribution"):
        behaviors = [
            *listed(resource.get("defaultCacheBehavior")),
            *listed(resource.get("orderedCacheBehaviors")),
        ]
        for behavior in behaviors:
            if behavior.get("viewerProtocolPolicy") == "allow-all":
                yield resource, "serves plain HTTP; redirect it."
        certificate = resource.get("viewerCertificate") or {}
        version = certificate.get("minimumProtocolVersion")
        if not certificate.get("cloudfrontDefaultCertificate") and version not in _CDN_OLDEST:
            yield resource, f"takes {version or 'TLS of any age'}; set TLSv1.2_2021."


def _signed(stack: Stack) -> Found:
    for resource in stack.of("aws:cloudfront/distribution:Distribution"):
        if not resource.get("defaultCacheBehavior", "trustedKeyGroups"):
            yield resource, "serves media to whoever asks; give it a key group."


def _ingress(stack: Stack) -> Found:
    for resource in stack.of("kubernetes:networking.k8s.io/v1:Ingress"):
        notes = resource.get("metadata", "annotations") or {}
        ports = notes.get(_PORTS)
        https = isinstance(ports, str) and any("HTTPS" in each for each in json.loads(ports))
        if https and not str(notes.get(_SSL_POLICY)).startswith(_LISTENER_POLICIES):
            yield resource, f"takes TLS of any age; set {_SSL_POLICY}."
        if stack.preset == "prod" and not https:
            yield resource, "serves prod without HTTPS."


def _database(stack: Stack) -> Found:
    for resource in stack.of(
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    ):
        family = str(resource.get("family"))
        forced = any(
            each.get("name") == "rds.force_ssl" and str(each.get("value")) == "1"
            for each in listed(resource.get("parameters"))
        )
        if "postgres" in family and not forced:
            yield resource, "lets clients in without TLS; set rds.force_ssl to 1."


def _proxy(stack: Stack) -> Found:
    for resource in stack.of("aws:rds/proxy:Proxy"):
        if not resource.get("requireTls"):
            yield resource, "lets clients in without TLS; set require_tls."


RULES = (
    Rule("cdn-by-tls", "The CDN redirects to HTTPS and takes no old TLS.", _cdn),
    Rule("cdn-signed", "The CDN serves signed requests only.", _signed),
    Rule("ingress-by-tls", "The load balancer takes no old TLS.", _ingress),
    Rule("database-by-tls", "The database forces TLS.", _database),
    Rule("proxy-by-tls", "The database's proxy forces TLS.", _proxy),
)
