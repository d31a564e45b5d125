"""The load balancer: which path goes where, and how it is set up."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from app.paths import BESIDE_CONSOLE
from app.paths import PATHS as APP_PATHS
from infra.application.ingress import Entrance
from infra.application.processes import PROCESSES
from infra.application.routes import PATHS, rules
from tests.infra.applications import run_application
from tests.infra.recorder import Recorded, environment_of

_ALB = "alb.ingress.kubernetes.io/"
_ROOT = Path(__file__).parents[2]


def _ingress(**changes: Any) -> Recorded:
    return run_application(**changes).one("kubernetes:networking.k8s.io/v1:Ingress")


def _annotations(recorded: Recorded) -> dict[str, str]:
    return {
        key.removeprefix(_ALB): value
        for key, value in recorded.inputs["metadata"]["annotations"].items()
    }


def _goes_to(path: str) -> str:
    return next(rule.process for rule in rules() if fnmatchcase(path, rule.pattern))


def test_the_table_is_the_apps() -> None:
    # The folder store's path is of one machine.
    assert {
        role: tuple(each for each in patterns if not each.startswith("/_store"))
        for role, patterns in APP_PATHS.items()
        if role != "catalog"
    } | {"catalog": BESIDE_CONSOLE, "console": ("/*",)} == PATHS
    assert list(PATHS) == ["uploader", "accounts", "analytics", "catalog", "console"]


@pytest.mark.parametrize(
    ("path", "process"),
    [
        ("/v1/uploads/upl_1/parts", "uploader"),
        ("/api/uploader/upload", "uploader"),
        ("/v1/auth/login", "accounts"),
        ("/v1/me", "accounts"),
        ("/api/analytics/stats", "analytics"),
        ("/v1/assets", "catalog"),
        ("/api/videos", "catalog"),
        ("/q3x9.m3u8", "catalog"),
        ("/q3x9/poster.jpg", "catalog"),
        ("/q3x9/playlists/v/1080p.m3u8", "catalog"),
        ("/watch/q3x9", "catalog"),
        ("/health", "catalog"),
        ("/", "console"),
        ("/assets/index-1a2b.js", "console"),
        ("/library", "console"),
        # Measurements are nobody's business outside.
        ("/metrics", "console"),
    ],
)
def test_paths_lead_where_they_belong(path: str, process: str) -> None:
    assert _goes_to(path) == process


def test_rules_fit_the_balancers_quotas() -> None:
    found = list(rules())
    assert len(found) < 100
    assert found[-1].pattern == "/*"
    for rule in found:
        # A pattern is one value of a rule's five, beside the host's name.
        assert rule.pattern.count("*") + rule.pattern.count("?") <= 5
        assert len(rule.pattern) <= 128


def test_rules_are_rendered_in_their_order() -> None:
    (rule,) = _ingress().inputs["spec"]["rules"]
    assert rule["host"] == "spool.example"
    assert [
        (path["path"], path["backend"]["service"]["name"]) for path in rule["http"]["paths"]
    ] == [(each.pattern, each.process) for each in rules()]
    assert {path["pathType"] for path in rule["http"]["paths"]} == {"ImplementationSpecific"}


def test_with_a_certificate_it_speaks_tls_only() -> None:
    found = _annotations(_ingress())
    assert found["target-type"] == "ip"
    assert found["scheme"] == "internet-facing"
    assert "TLS13" in found["ssl-policy"]
    assert found["ssl-redirect"] == "443"
    assert {"HTTPS": 443} in json.loads(found["listen-ports"])
    assert found["certificate-arn"] == "arn:aws:acm:::certificate/1"
    assert found["wafv2-acl-arn"] == "arn:aws:wafv2:::acl/1"
    assert "access_logs.s3.bucket=spool-logs-dev" in found["load-balancer-attributes"]
    assert len(found["load-balancer-name"]) <= 32
    assert found["tags"] == "project=spool,stack=dev"
    assert found["subnets"] == "subnet-1,subnet-2"


def test_connections_are_closed_by_the_balancer_and_not_under_it() -> None:
    recording = run_application()
    ingress = recording.one("kubernetes:networking.k8s.io/v1:Ingress")
    idle = re.search(r"idle_timeout.timeout_seconds=(\d+)", str(_annotations(ingress)))
    nginx = re.search(r"keepalive_timeout (\d+)s", (_ROOT / "app/console/nginx.conf").read_text())
    kept = [nginx and nginx[1]] + [
        environment_of(each)["SPOOL_KEEP_ALIVE_SECONDS"]["value"]
        for each in recording.of_type("kubernetes:apps/v1:Deployment")
        if PROCESSES[each.name].kind == "api"
    ]
    assert idle
    assert len(kept) == 5
    assert all(int(seconds or 0) > int(idle[1]) for seconds in kept)


def test_without_a_domain_pods_are_told_the_balancers_own_name() -> None:
    recording = run_application(entrance=Entrance(subnet_ids=["subnet-1"]))
    ingress = recording.one("kubernetes:networking.k8s.io/v1:Ingress")
    found = _annotations(ingress)
    assert json.loads(found["listen-ports"]) == [{"HTTP": 80}]
    assert not {"ssl-policy", "wafv2-acl-arn", "certificate-arn"} & set(found)
    # The engine must not wait for pods here, which wait for this.
    assert "hostname" in ingress.inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    (container,) = recording.one("kubernetes:apps/v1:Deployment", "catalog").inputs["spec"][
        "template"
    ]["spec"]["containers"]
    url = next(each["value"] for each in container["env"] if each["name"] == "SPOOL_PUBLIC_URL")
    assert url == "http://application.elb.amazonaws.com"
    assert not recording.of_type("aws:route53/record:Record")


@pytest.mark.parametrize("sticky", [False, True])
def test_clients_stay_at_one_pod_by_choice(sticky: bool) -> None:
    recording = run_application(entrance=Entrance(subnet_ids=["subnet-1"], sticky=sticky))
    services = recording.of_type("kubernetes:core/v1:Service")
    assert {each.inputs["metadata"]["name"] for each in services} == set(PATHS)
    for each in services:
        found = _annotations(each)
        assert ("stickiness.enabled=true" in found["target-group-attributes"]) == sticky
        assert found["healthcheck-path"] in ("/ready", "/healthz")


def test_the_name_leads_to_the_balancer() -> None:
    recording = run_application()
    assert recording.outputs["loadBalancer"] == "app/spool-web-dev/0123456789abcdef"
    record = recording.one("aws:route53/record:Record")
    assert record.inputs["name"] == "spool.example"
    (alias,) = record.inputs["aliases"]
    assert alias["name"] == "application.elb.amazonaws.com"
