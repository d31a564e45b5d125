"""Spool in the cluster, as it would be given to Kubernetes and AWS."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import kubernetes_validate
import pulumi
import pytest

from app.settings import Settings
from infra.application.custom_resources import external_secret_spec
from infra.application.migrations import job_name
from infra.application.processes import DRAIN_SECONDS, PROCESSES
from infra.grants import Grant, SecretValue
from tests.infra.applications import (
    DIGESTS,
    IMAGES,
    arguments,
    grants,
    manifests,
    run_application,
)
from tests.infra.reach import Host, Pod, allowed
from tests.infra.recorder import Recorded, Recording, environment_of

# Kinds of the cluster's services, which Kubernetes' own schemas do not have.
_CUSTOM = {"ExternalSecret", "ScaledObject", "TriggerAuthentication", "PodMonitor"}
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_JOB = "kubernetes:batch/v1:Job"
_SERVICES = [name for name, each in PROCESSES.items() if each.kind != "job"]


@pytest.fixture(scope="module")
def recording() -> Recording:
    return run_application()


def _pod(recorded: Recorded) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = recorded.inputs["spec"]["template"]["spec"]
    return spec


def _pods(recording: Recording) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in recording.of_type(_DEPLOYMENT) + recording.of_type(_JOB):
        yield each.name, _pod(each)


def _of_kind(recording: Recording, kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests(recording) if each["kind"] == kind}


@pytest.mark.parametrize("version", ["1.33", "1.35"])
def test_manifests_are_what_kubernetes_takes(recording: Recording, version: str) -> None:
    kinds = set()
    for manifest in manifests(recording):
        kinds.add(manifest["kind"])
        if manifest["kind"] not in _CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)
    assert kinds >= {*_CUSTOM, "Deployment", "Job", "Ingress", "NetworkPolicy", "Namespace"}


def test_each_process_runs_as_its_image_says(recording: Recording) -> None:
    assert {each.name for each in recording.of_type(_DEPLOYMENT)} == set(_SERVICES)
    for name, pod in _pods(recording):
        process = PROCESSES[name]
        (container,) = pod["containers"]
        assert container.get("args") == ([process.module] if process.module else None)
        assert container["image"].endswith(DIGESTS[process.image])
        if process.port:
            assert container["ports"] == [{"name": "http", "containerPort": process.port}]
            for probe in ("startup", "liveness", "readiness"):
                asked = container[f"{probe}Probe"]
                wanted = process.ready if probe == "readiness" else process.health
                assert asked["httpGet"] == {"path": wanted, "port": "http"}
    console = _pod(recording.one(_DEPLOYMENT, "console"))
    assert console["containers"][0]["ports"][0]["containerPort"] == 8080
    assert console["securityContext"]["runAsUser"] == 101


def test_pods_are_restricted(recording: Recording) -> None:
    for name, pod in _pods(recording):
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        secure = container["securityContext"]
        assert secure["readOnlyRootFilesystem"] is True
        assert secure["allowPrivilegeEscalation"] is False
        assert secure["capabilities"] == {"drop": ["ALL"]}
        assert container["imagePullPolicy"] == "Always"
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]
    namespace = recording.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"


def test_who_stops_has_the_time_it_takes(recording: Recording) -> None:
    for name, pod in _pods(recording):
        process, (container,) = PROCESSES[name], pod["containers"]
        grace = pod["terminationGracePeriodSeconds"]
        if process.kind in ("api", "console"):
            # Longer than a load balancer takes to notice, and a request may take.
            pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert pause >= 15
            assert grace > pause + 3
        if process.kind == "worker":
            assert (
                float(
                    environment_of(recording.one(_DEPLOYMENT, name))["SPOOL_DRAIN_SECONDS"]["value"]
                )
                == DRAIN_SECONDS
            )
            assert grace > DRAIN_SECONDS


def test_pods_wait_for_migrations_policies_and_the_balancer(recording: Recording) -> None:
    job = recording.one(_JOB)
    assert job.inputs["metadata"]["name"] == f"migrations-{DIGESTS['api'][:12]}"
    ingress = recording.one("kubernetes:networking.k8s.io/v1:Ingress")
    policies = {
        each.urn for each in recording.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    }
    for each in recording.of_type(_DEPLOYMENT):
        assert {job.urn, ingress.urn, *policies} <= set(each.depends_on), each.name
    assert policies <= set(job.depends_on)


def test_the_controller_outlives_the_balancer(recording: Recording) -> None:
    """What depends on something is destroyed before it."""
    controller = recording.one("kubernetes:core/v1:ConfigMap", "controller")
    namespace = recording.one("kubernetes:core/v1:Namespace")
    assert controller.urn in namespace.depends_on
    for each in recording.resources:
        if each.type.startswith("kubernetes:") and each not in (controller, namespace):
            assert namespace.urn in each.depends_on, each.urn


def test_a_job_is_named_by_its_image() -> None:
    assert job_name("migrations", IMAGES.api) == "migrations-aaaaaaaaaaaa"
    one, other = (job_name("migrations", f"spool/api:{tag}") for tag in ("1.2.0", "1.2.1"))
    assert one != other
    assert re.fullmatch(r"migrations-[0-9a-f]{12}", one)


def test_workers_follow_three_queues_and_the_relay_always_runs(recording: Recording) -> None:
    scaled = _of_kind(recording, "ScaledObject")
    assert set(scaled) == {"encode", "light"}
    for name, each in scaled.items():
        spec = each["spec"]
        assert [t["metadata"]["queueURL"].rpartition("-")[2] for t in spec["triggers"]] == [
            "high",
            "normal",
            "low",
        ]
        assert {t["metadata"]["queueLength"] for t in spec["triggers"]} == {
            str(PROCESSES[name].slots)
        }
        assert spec["minReplicaCount"] == 0
        assert "replicas" not in recording.one(_DEPLOYMENT, name).inputs["spec"]
    assert scaled["light"]["spec"]["maxReplicaCount"] == 10
    assert scaled["encode"]["spec"]["maxReplicaCount"] == 6, "no more than nodes of the pool"
    assert recording.one(_DEPLOYMENT, "relay").inputs["spec"]["replicas"] == 2
    assert set(_of_kind(recording, "HorizontalPodAutoscaler")) == {
        "uploader",
        "catalog",
        "accounts",
        "analytics",
    }


def test_a_rollout_asks_for_no_node_that_there_is_not(recording: Recording) -> None:
    """An encode fills a node of the media pool: what waits for another's place waits for ever."""
    rolled = {
        each.name: each.inputs["spec"]["strategy"]["rollingUpdate"]
        for each in recording.of_type(_DEPLOYMENT)
    }
    assert rolled["encode"] == {"maxSurge": 0, "maxUnavailable": "50%"}
    assert rolled["relay"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert rolled["catalog"] == rolled["light"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_each_has_a_disruption_budget(recording: Recording) -> None:
    budgets = _of_kind(recording, "PodDisruptionBudget")
    assert set(budgets) == set(_SERVICES)
    for name, each in budgets.items():
        assert each["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}


def test_variables_are_settings_that_the_app_reads(recording: Recording) -> None:
    known = {f"SPOOL_{name.upper()}" for name in Settings.model_fields}
    for each in recording.of_type(_DEPLOYMENT) + recording.of_type(_JOB):
        assert set(environment_of(each)) <= known, each.name


# A process starts with what it is given; values stand for what Kubernetes puts in their place.
_SECRETS = {
    "SPOOL_DATABASE_URL": "postgresql://a:b@db:5432/spool",
    "SPOOL_MIGRATION_DATABASE_URL": "postgresql://m:b@db:5432/spool",
    "SPOOL_SIGNING_KEYS": json.dumps({"k": "x" * 32}),
    "SPOOL_SIGNING_KEY_ID": "k",
    "SPOOL_CLOUDFRONT_PRIVATE_KEYS": json.dumps({"k": "pem"}),
}


@pytest.mark.parametrize("name", [name for name in PROCESSES if name != "console"])
def test_each_process_starts_with_its_variables(
    recording: Recording, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = _JOB if name == "migrations" else _DEPLOYMENT
    given = environment_of(recording.one(kind, name))
    for variable, entry in given.items():
        monkeypatch.setenv(variable, entry.get("value") or _SECRETS[variable])
    if name == "catalog":
        monkeypatch.setenv("SPOOL_CLOUDFRONT_KEY_PAIR_ID", "k")  # the made-up grant lacks it
    settings = Settings()  # type: ignore[call-arg]  # from the environment
    assert settings.signing_secrets
    process = PROCESSES[name]
    if process.kind == "api":
        assert settings.role == name
    if process.kind == "worker":
        assert settings.worker_encode_slots + settings.worker_light_slots == process.slots
        assert not settings.worker_upkeep
    assert (settings.store == "s3") == (name not in ("accounts", "analytics", "migrations"))


def test_the_console_is_told_nothing_and_has_no_role(recording: Recording) -> None:
    assert environment_of(recording.one(_DEPLOYMENT, "console")) == {}
    roles = {each.name for each in recording.of_type("aws:iam/role:Role")}
    assert roles == {"uploader", "catalog", "encode", "light", "relay", "intake"}


def test_who_may_what_is_the_table_of_roles(recording: Recording) -> None:
    """docs/roles.md, and that only the relay sends."""
    actions = {
        each.name: {
            action
            for statement in json.loads(each.inputs["policy"])["Statement"]
            for action in statement["Action"]
        }
        for each in recording.of_type("aws:iam/rolePolicy:RolePolicy")
    }
    assert actions == {
        "uploader": {"s3:PutObject"},
        "catalog": {"s3:GetObject"},
        "encode": {"s3:PutObject", "sqs:ReceiveMessage", "sqs:DeleteMessage"},
        "light": {"s3:PutObject", "sqs:ReceiveMessage", "sqs:DeleteMessage"},
        "relay": {
            "s3:PutObject",
            "s3:ListBucketMultipartUploads",
            "sqs:SendMessage",
            "sns:Publish",
            "ses:SendEmail",
        },
        "intake": {"s3:PutObject", "kinesis:GetRecords", "sqs:ReceiveMessage"},
    }
    delivery = {
        name
        for name in _SERVICES
        if "SPOOL_CLOUDFRONT_PRIVATE_KEYS" in environment_of(recording.one(_DEPLOYMENT, name))
    }
    assert delivery == {"catalog"}


def test_who_has_a_role_reaches_aws_and_nobody_else(recording: Recording) -> None:
    policies = list(_of_kind(recording, "NetworkPolicy").values())
    roles = {each.name for each in recording.of_type("aws:iam/role:Role")}
    for name in PROCESSES:
        pod = Pod("spool", {"app.kubernetes.io/name": name}, "10.0.1.9")
        assert allowed(policies, pod, Host("52.94.5.1"), 443) == (name in roles), name


def test_secrets_come_from_secrets_manager_alone(recording: Recording) -> None:
    assert "kubernetes:core/v1:Secret" not in {each.type for each in recording.resources}
    secrets = _of_kind(recording, "ExternalSecret")
    for each in recording.of_type(_DEPLOYMENT) + recording.of_type(_JOB):
        keys = {
            name: entry["valueFrom"]["secretKeyRef"]
            for name, entry in environment_of(each).items()
            if "valueFrom" in entry
        }
        if not keys:
            continue
        spec = secrets[each.name]["spec"]
        assert spec["secretStoreRef"]["name"] == "secrets-manager"
        assert set(spec["target"]["template"]["data"]) == set(keys)
        assert {key["name"] for key in keys.values()} == {each.name}


def test_a_changed_value_is_fetched_at_once() -> None:
    """A catalog that signs with a new key would not start with the old ones."""
    made_up = grants()
    changed = dataclasses.replace(
        made_up,
        delivery=Grant(
            secrets={"SPOOL_CLOUDFRONT_PRIVATE_KEYS": SecretValue("/cdn", "arn", version="v2")}
        ),
    )
    secrets = _of_kind(run_application(grants=changed), "ExternalSecret")
    versions = {
        name: each["metadata"]["annotations"]["spool/versions"] for name, each in secrets.items()
    }
    assert versions["catalog"] == "v2"
    assert versions["analytics"] == ""


def test_fields_of_two_secrets_do_not_meet() -> None:
    template = "postgresql://{{ .username }}:{{ .password | urlquery }}@host.example/db"
    spec = external_secret_spec(
        "x",
        "store",
        {
            "B": {"name": "/b", "key": None, "template": template},
            "A": {"name": "/a", "key": None, "template": template},
            "K": {"name": "/k", "key": "field", "template": None},
            "W": {"name": "/w", "key": None, "template": None},
        },
    )
    assert spec["target"]["template"]["data"] == {
        "A": "postgresql://{{ .A_username }}:{{ .A_password | urlquery }}@host.example/db",
        "B": "postgresql://{{ .B_username }}:{{ .B_password | urlquery }}@host.example/db",
        "K": "{{ .K }}",
        "W": "{{ .W }}",
    }
    assert {"secretKey": "A_username", "remoteRef": {"key": "/a", "property": "username"}} in spec[
        "data"
    ]
    assert {"secretKey": "W", "remoteRef": {"key": "/w"}} in spec["data"]
    assert len(spec["data"]) == 6


def test_people_see_no_secret_and_run_nothing_in_pods(recording: Recording) -> None:
    roles = _of_kind(recording, "Role")
    assert set(roles) == {"reader", "admin"}
    for role in roles.values():
        for rule in role["rules"]:
            assert not {"*", "secrets", "pods/exec", "pods/attach"} & set(rule["resources"])
            assert "*" not in rule["verbs"]
    assert {verb for rule in roles["reader"]["rules"] for verb in rule["verbs"]} == {
        "get",
        "list",
        "watch",
    }


def test_without_intake_prometheus_and_a_domain() -> None:
    recording = run_application(intake=False, prometheus=False)
    assert "intake" not in {each.name for each in recording.of_type(_DEPLOYMENT)}
    assert not _of_kind(recording, "PodMonitor")


def test_with_pod_identity_pods_wait_for_their_association() -> None:
    """One that starts before it has no credentials, and gets none later."""
    args = arguments()
    recording = run_application(
        credentials=dataclasses.replace(args.credentials, kind="pod-identity"),
        surroundings=dataclasses.replace(args.surroundings, pod_identity=True),
    )
    for each in recording.of_type("kubernetes:core/v1:ServiceAccount"):
        assert not each.inputs["metadata"].get("annotations"), each.name
    made = recording.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert {each.name for each in made} == {
        each.name for each in recording.of_type("aws:iam/role:Role")
    }
    for each in made:
        assert each.urn in recording.one(_DEPLOYMENT, each.name).depends_on
    policies = list(_of_kind(recording, "NetworkPolicy").values())
    pod = Pod("spool", {"app.kubernetes.io/name": "light"}, "10.0.1.9")
    assert allowed(policies, pod, Host("169.254.170.23"), 80)


def test_a_preview_of_a_new_stack_says_what_would_be_made(recording: Recording) -> None:
    planned = run_application(preview=True)
    assert {each.urn for each in planned.resources} == {each.urn for each in recording.resources}
    job = planned.one(_JOB).inputs["metadata"]["name"]
    assert not isinstance(job, pulumi.output.Unknown)
