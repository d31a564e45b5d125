"""The services of the cluster: which there are, what they may do, and what waits for what."""

import functools
import json
from typing import Any

import pulumi
import pytest

from infra.ground.cluster import Cluster, ClusterArgs
from infra.ground.pools import MediaNodes, plan_pools
from infra.names import Names
from infra.placement import MEDIA
from infra.services.cluster_services import ClusterServices, ClusterServicesArgs
from infra.versions import CHARTS
from tests.infra.outputs import ACCOUNT, REGION
from tests.infra.recorder import Recorded, Recording, record

_NAMES = Names("spool", "dev")
_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:spool-dev-encode-high"
_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:/spool/dev/api/signing-abc"
_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/secrets"
_VOLUMES = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/cluster"


@functools.cache
def _services(
    *,
    credentials: Any = "irsa",
    node_scaling: Any = "cluster-autoscaler",
    fargate: bool = False,
    protect: bool = True,
    waf: bool = True,
    prometheus: bool = True,
    preview: bool = False,
) -> Recording:
    media = MediaNodes(["c6i.xlarge"], 6, spot=True)

    def program() -> None:
        cluster = Cluster(
            "cluster",
            ClusterArgs(
                names=_NAMES,
                account=ACCOUNT,
                region=REGION,
                version="1.35",
                vpc_id="vpc-1",
                subnet_ids=["subnet-1"],
                pools=plan_pools(
                    compute="fargate" if fargate else "nodes",
                    node_scaling=node_scaling,
                    node_types=["t3.medium"],
                    nodes_min=1,
                    nodes_desired=1,
                    nodes_max=1,
                    media=media,
                ),
                fargate=fargate,
                pod_credentials=credentials,
                cluster_key_arn=_VOLUMES,
                logs_key_arn=None,
                log_retention_days=7,
                public_endpoint_cidrs=[],
                admin_role_arns=[],
                read_only_role_arns=[],
                app_namespace="spool",
                container_insights=False,
                protect=protect,
                tags={"project": "spool"},
            ),
        )
        services = ClusterServices(
            "services",
            ClusterServicesArgs(
                cluster=cluster,
                node_scaling=node_scaling,
                media_nodes=media,
                queue_arns=[_QUEUE],
                secret_arns=[_SECRET],
                secrets_key_arn=_KEY,
                waf=waf,
                prometheus=prometheus,
            ),
        )
        pulumi.export("ready", [each.urn for each in services.ready])
        pulumi.export("told", [services.otlp_endpoint, services.secret_store])

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def services() -> Recording:
    return _services()


def _releases(recording: Recording) -> dict[str, Recorded]:
    return {each.name: each for each in recording.of_type("kubernetes:helm.sh/v3:Release")}


def _policy(recording: Recording, role: str) -> list[dict[str, Any]]:
    (policy,) = [
        each.inputs["policy"]
        for each in recording.of_type("aws:iam/rolePolicy:RolePolicy")
        if each.inputs["role"] == f"spool-{role}-dev"
    ]
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return statements


def test_every_service_is_there_at_its_version(services: Recording) -> None:
    releases = _releases(services)
    assert set(releases) == set(CHARTS) - {"karpenter"}
    for name, release in releases.items():
        assert release.inputs["version"] == CHARTS[name].version
        assert release.inputs["atomic"] is True
    assert services.outputs["told"] == [
        "http://otel-collector.observability:4317",
        "secrets-manager",
    ]


def test_a_preview_knows_all_that_is_made(services: Recording) -> None:
    assert len(_services(preview=True).resources) == len(services.resources)


def test_all_is_in_the_cluster_and_after_its_nodes(services: Recording) -> None:
    provider = services.one("pulumi:providers:kubernetes")
    inside = [each for each in services.resources if each.type.startswith("kubernetes:")]
    assert inside
    assert all(each.provider.startswith(provider.urn) for each in inside)


def test_services_wait_for_their_namespaces(services: Recording) -> None:
    (keda,) = services.of_type("spool:services:Keda")
    assert {"keda", "node-agents"} <= {urn.split("::")[-1] for urn in keda.depends_on}


def test_spool_waits_for_every_release(services: Recording) -> None:
    ready = {urn.split("::")[-1] for urn in services.outputs["ready"]}
    # External Secrets is waited for by way of its store.
    assert set(_releases(services)) - {"external-secrets"} <= ready
    assert "secrets-manager" in ready


def test_keda_counts_and_does_nothing_else(services: Recording) -> None:
    assert _policy(services, "keda-operator") == [
        {"Effect": "Allow", "Action": ["sqs:GetQueueAttributes"], "Resource": [_QUEUE]}
    ]
    account = _releases(services)["keda"].inputs["values"]["serviceAccount"]["operator"]
    assert account["annotations"]["eks.amazonaws.com/role-arn"].endswith("/spool-keda-operator-dev")


def test_keda_has_its_own_role_under_pod_identity() -> None:
    recording = _services(credentials="pod-identity")
    account = _releases(recording)["keda"].inputs["values"]["serviceAccount"]["operator"]
    assert account == {"name": "keda-operator", "annotations": {}}
    accounts = {
        each.inputs["serviceAccount"]
        for each in recording.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    }
    assert {"keda-operator", "external-secrets", "otel-collector", "fluent-bit"} <= accounts


def test_external_secrets_read_what_they_are_given(services: Recording) -> None:
    read, decrypt = _policy(services, "external-secrets")
    assert read["Resource"][0] == _SECRET
    assert "secretsmanager:GetSecretValue" in read["Action"]
    assert decrypt["Resource"] == [_KEY]
    assert decrypt["Condition"]["StringEquals"]["kms:ViaService"] == [
        f"secretsmanager.{REGION}.amazonaws.com"
    ]
    store = services.one(
        "kubernetes:external-secrets.io/v1:ClusterSecretStore", "secrets-manager"
    ).inputs["spec"]
    assert store["conditions"] == [{"namespaces": ["spool", "observability"]}]


def test_no_action_has_a_wildcard(services: Recording) -> None:
    for recording in (services, _services(node_scaling="karpenter")):
        for policy in recording.of_type("aws:iam/rolePolicy:RolePolicy"):
            for statement in json.loads(policy.inputs["policy"])["Statement"]:
                assert not any("*" in action for action in statement["Action"]), policy.name


def test_inline_policies_are_as_short_as_iam_takes(services: Recording) -> None:
    for recording in (services, _services(node_scaling="karpenter")):
        for policy in recording.of_type("aws:iam/rolePolicy:RolePolicy"):
            # IAM counts all but white space.
            assert len("".join(policy.inputs["policy"].split())) <= 10_240, policy.name


def test_the_load_balancer_controller_changes_what_is_its_clusters(services: Recording) -> None:
    tag = "aws:ResourceTag/elbv2.k8s.aws/cluster"
    deleting = [
        each
        for each in _policy(services, "aws-load-balancer-controller")
        if any(".".join(action.split(":")).count("Delete") for action in each["Action"])
    ]
    assert deleting
    for statement in deleting:
        assert statement["Condition"]["StringEquals"][tag] == ["spool-cluster-dev"]
    values = _releases(services)["aws-load-balancer-controller"].inputs["values"]
    assert (values["region"], values["vpcId"]) == (REGION, "vpc-1")


def test_the_web_acl_only_where_there_is_one(services: Recording) -> None:
    def actions(recording: Recording) -> set[str]:
        statements = _policy(recording, "aws-load-balancer-controller")
        return {action for each in statements for action in each["Action"]}

    assert "wafv2:AssociateWebACL" in actions(services)
    assert "wafv2:AssociateWebACL" not in actions(_services(waf=False))


def test_karpenter_makes_the_media_pool() -> None:
    recording = _services(node_scaling="karpenter")
    assert "karpenter" in _releases(recording)
    assert "cluster-autoscaler" not in _releases(recording)
    pool = recording.one("kubernetes:karpenter.sh/v1:NodePool", "media-pool").inputs["spec"]
    assert pool["template"]["metadata"]["labels"] == MEDIA.node_selector
    assert pool["limits"] == {"nodes": 6}
    nodes = recording.one("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass").inputs["spec"]
    assert nodes["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert nodes["role"] == "spool-nodes-dev"
    (disk,) = nodes["blockDeviceMappings"]
    assert disk["ebs"]["kmsKeyID"] == _VOLUMES
    opened = [each for each in _policy(recording, "karpenter") if each["Resource"] == [_VOLUMES]]
    assert {"kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext"} <= {
        action for each in opened for action in each["Action"]
    }
    assert all("kms:ViaService" in each["Condition"]["StringEquals"] for each in opened)
    assert len(recording.of_type("aws:cloudwatch/eventTarget:EventTarget")) == 4
    queue = json.loads(recording.one("aws:sqs/queuePolicy:QueuePolicy").inputs["policy"])
    assert [each["Effect"] for each in queue["Statement"]].count("Deny") == 1


def test_lines_go_to_a_group_that_ends_with_the_stack(services: Recording) -> None:
    group = services.one("aws:cloudwatch/logGroup:LogGroup", "services-logs").inputs
    assert (group["name"], group["retentionInDays"]) == ("/spool/dev/pods", 7)
    values = _releases(services)["fluent-bit"].inputs["values"]
    assert "log_group_name /spool/dev/pods" in values["config"]["outputs"]
    assert "auto_create_group false" in values["config"]["outputs"]
    assert values["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_on_fargate_agents_stay_on_media_nodes_and_its_router_has_the_lines() -> None:
    recording = _services(fargate=True)
    values = _releases(recording)["fluent-bit"].inputs["values"]
    assert values["nodeSelector"] == MEDIA.node_selector
    router = recording.one("kubernetes:core/v1:ConfigMap", "aws-logging").inputs
    assert router["metadata"] == {"name": "aws-logging", "namespace": "aws-observability"}
    assert "log_group_name /spool/dev/pods" in router["data"]["output.conf"]
    stack = _releases(recording)["kube-prometheus-stack"].inputs["values"]
    assert MEDIA.node_selector.items() <= stack["prometheus-node-exporter"]["nodeSelector"].items()
    assert "storageSpec" not in stack["prometheus"]["prometheusSpec"]


def test_no_service_listens_where_fargates_kubelet_does(services: Recording) -> None:
    values = {name: each.inputs["values"] for name, each in _releases(services).items()}
    ports = {
        values["metrics-server"]["containerPort"],
        values["external-secrets"]["webhook"]["port"],
        values["kube-prometheus-stack"]["prometheusOperator"]["tls"]["internalPort"],
    }
    assert 10250 not in ports


def test_spans_go_to_x_ray_and_are_found_by_video(services: Recording) -> None:
    config = _releases(services)["opentelemetry-collector"].inputs["values"]["alternateConfig"]
    assert config["service"]["pipelines"]["traces"]["exporters"] == ["awsxray"]
    assert "spool.asset_id" in config["exporters"]["awsxray"]["indexed_attributes"]


def test_grafanas_password_is_no_default(services: Recording) -> None:
    values = _releases(services)["kube-prometheus-stack"].inputs["values"]["grafana"]
    assert values["admin"]["existingSecret"] == "grafana-admin"
    assert "adminPassword" not in values
    version = services.one("aws:secretsmanager/secretVersion:SecretVersion")
    assert "secretString" in version.ignored


def test_a_throw_away_stack_leaves_no_volume() -> None:
    values = _releases(_services(protect=False))["kube-prometheus-stack"].inputs["values"]
    assert "storageSpec" not in values["prometheus"]["prometheusSpec"]


def test_without_prometheus_nobody_else_reads_secrets() -> None:
    recording = _services(prometheus=False)
    assert "kube-prometheus-stack" not in _releases(recording)
    store = recording.one("kubernetes:external-secrets.io/v1:ClusterSecretStore").inputs["spec"]
    assert store["conditions"] == [{"namespaces": ["spool"]}]


def test_namespaces_are_under_pod_security(services: Recording) -> None:
    levels = {
        each.name: each.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in services.of_type("kubernetes:core/v1:Namespace")
    }
    assert levels == {
        "external-secrets": "restricted",
        "keda": "restricted",
        "observability": "restricted",
        "node-agents": "privileged",
    }
