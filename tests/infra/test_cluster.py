"""The cluster: what it is asked for, what waits for what, and who gets in."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown

from infra.config.checks import KUBERNETES_VERSIONS
from infra.config.settings import Settings
from infra.ground.addons import after_nodes, before_nodes
from infra.ground.cluster import Cluster, ClusterArgs
from infra.ground.pools import MediaNodes, plan_pools
from infra.names import Names
from infra.placement import MEDIA, POOL
from infra.versions import ADD_ONS, CHARTS, CLUSTER_AUTOSCALER
from tests.infra.outputs import ACCOUNT, REGION
from tests.infra.programs import ROOT, minimal
from tests.infra.recorder import Recorded, Recording, record

_ADMIN = "arn:aws:iam::123456789012:role/ops"
_CI = "arn:aws:iam::123456789012:role/ci"


def _pools(preset: str = "dev", **values: str) -> list[Any]:
    cluster = Settings.of("spool", preset, {**minimal(preset), **values}).cluster
    return plan_pools(
        compute=cluster.compute,
        node_scaling=cluster.node_scaling,
        node_types=cluster.node_types,
        nodes_min=cluster.nodes_min,
        nodes_desired=cluster.nodes_desired,
        nodes_max=cluster.nodes_max,
        media=MediaNodes(cluster.media_node_types, cluster.media_nodes_max, cluster.media_spot),
    )


def _cluster(*, preview: bool = False, **changes: Any) -> Recording:
    arguments: dict[str, Any] = {
        "names": Names("spool", "dev"),
        "account": ACCOUNT,
        "region": REGION,
        "version": "1.35",
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "pools": _pools(),
        "fargate": False,
        "pod_credentials": "irsa",
        "cluster_key_arn": "arn:aws:kms:us-east-1:123456789012:key/cluster",
        "logs_key_arn": None,
        "log_retention_days": 7,
        "public_endpoint_cidrs": [],
        "admin_role_arns": [_ADMIN],
        "read_only_role_arns": [_CI],
        "app_namespace": "spool",
        "container_insights": True,
        "protect": False,
        "tags": {"project": "spool"},
    }

    def program() -> None:
        Cluster("cluster", ClusterArgs(**{**arguments, **changes}))

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def cluster() -> Recording:
    return _cluster()


def test_the_control_plane_is_private_logged_and_encrypted(cluster: Recording) -> None:
    inputs = cluster.one("eks:index:Cluster").inputs
    assert inputs["name"] == "spool-cluster-dev"
    assert inputs["authenticationMode"] == "API"
    assert inputs["endpointPrivateAccess"] is True
    assert inputs["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in inputs
    assert {"api", "audit", "authenticator"} <= set(inputs["enabledClusterLogTypes"])
    assert inputs["encryptionConfigKeyArn"].endswith("key/cluster")
    assert "instanceRoles" not in inputs  # EKS refuses it under authentication mode API


def test_every_group_of_logs_ends_with_the_stack(cluster: Recording) -> None:
    groups = {
        each.inputs["name"]: each.inputs["retentionInDays"]
        for each in cluster.of_type("aws:cloudwatch/logGroup:LogGroup")
    }
    assert groups == {
        "/aws/eks/spool-cluster-dev/cluster": 7,
        "/aws/containerinsights/spool-cluster-dev/performance": 7,
    }


def test_pulumi_eks_makes_nothing_but_the_control_plane(cluster: Recording) -> None:
    inputs = cluster.one("eks:index:Cluster").inputs
    assert inputs["skipDefaultNodeGroup"] is inputs["skipDefaultSecurityGroups"] is True
    assert inputs["createOidcProvider"] is inputs["createInstanceRole"] is False
    assert inputs["bootstrapSelfManagedAddons"] is False
    for add_on in ("kubeProxyAddonOptions", "corednsAddonOptions"):
        assert inputs[add_on]["enabled"] is False


def test_the_api_is_public_only_to_whom_it_is_said() -> None:
    inputs = _cluster(public_endpoint_cidrs=["192.0.2.0/24"]).one("eks:index:Cluster").inputs
    assert inputs["endpointPublicAccess"] is True
    assert inputs["publicAccessCidrs"] == ["192.0.2.0/24"]


def test_iam_believes_the_clusters_tokens(cluster: Recording) -> None:
    provider = cluster.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider").inputs
    assert provider["url"] == "https://oidc.example/id/ABC"
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]


def test_pools_by_preset_are_those_of_the_requirements() -> None:
    general_1, general_2, media = _pools("prod")
    assert [general_1.name, general_2.name, media.name] == ["general-1", "general-2", "media"]
    assert (general_1.least, general_1.desired, general_1.most) == (3, 4, 5)
    assert general_1.instance_types == ["t3.medium", "t3.large", "t3a.medium"]
    assert not general_1.spot
    assert media.spot
    assert media.least == 0


def test_without_an_autoscaler_there_is_a_media_node() -> None:
    assert _pools(nodeScaling="none")[-1].desired == 1
    assert [each.name for each in _pools(nodeScaling="karpenter")] == ["general-1", "general-2"]
    assert [each.name for each in _pools(compute="fargate")] == ["media"]


@given(
    st.sampled_from(["nodes", "fargate"]),
    st.sampled_from(["none", "cluster-autoscaler", "karpenter"]),
    st.lists(st.integers(1, 30), min_size=3, max_size=3).map(sorted),
    st.integers(1, 50),
)
def test_every_plan_can_be_made(compute: Any, scaling: Any, nodes: list[int], media: int) -> None:
    pools = plan_pools(
        compute=compute,
        node_scaling=scaling,
        node_types=["t3.medium"],
        nodes_min=nodes[0],
        nodes_desired=nodes[1],
        nodes_max=nodes[2],
        media=MediaNodes(["c6i.xlarge"], media, spot=True),
    )
    assert len({each.name for each in pools}) == len(pools)
    for each in pools:
        assert 0 <= each.least <= each.desired <= each.most
        assert each.most >= 1
    general = [each for each in pools if each.placement.labels[POOL] == "general"]
    assert bool(general) is (compute == "nodes")
    assert not any(each.spot for each in general)


def test_nodes_are_encrypted_tagged_and_keep_their_role_to_themselves(cluster: Recording) -> None:
    templates = cluster.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    assert {each.inputs["name"] for each in templates} == {
        "spool-general-1-dev",
        "spool-general-2-dev",
        "spool-media-dev",
    }
    for template in templates:
        inputs = template.inputs
        (disk,) = inputs["blockDeviceMappings"]
        assert (disk["ebs"]["volumeType"], disk["ebs"]["encrypted"]) == ("gp3", "true")
        assert disk["ebs"]["kmsKeyId"].endswith("key/cluster")
        assert inputs["metadataOptions"]["httpTokens"] == "required"
        assert inputs["metadataOptions"]["httpPutResponseHopLimit"] == 1
        assert all(each["tags"]["project"] == "spool" for each in inputs["tagSpecifications"])
        assert b"maxPods: 110" in base64.b64decode(inputs["userData"])


def test_the_media_pool_is_spot_and_tainted(cluster: Recording) -> None:
    media = cluster.one("aws:eks/nodeGroup:NodeGroup", "cluster-nodes-media")
    assert media.inputs["capacityType"] == "SPOT"
    assert media.inputs["amiType"] == "AL2023_x86_64_STANDARD"
    assert media.inputs["labels"] == MEDIA.node_selector
    assert media.inputs["taints"] == [{"key": POOL, "value": "media", "effect": "NO_SCHEDULE"}]
    assert media.ignored == ("scalingConfig.desiredSize",)


def test_one_general_group_is_changed_after_the_other(cluster: Recording) -> None:
    first, second, media = (
        cluster.one("aws:eks/nodeGroup:NodeGroup", f"cluster-nodes-{pool}")
        for pool in ("general-1", "general-2", "media")
    )
    assert first.urn in second.depends_on
    assert first.urn not in media.depends_on


def _component(recording: Recording, type_: str, name: str) -> Recorded:
    return recording.one(f"spool:ground:{type_}", name)


def test_network_before_nodes_before_the_rest(cluster: Recording) -> None:
    def waits_for(waiting: Recorded, part: str) -> bool:
        return any(urn.split("::")[-1].startswith(part) for urn in waiting.depends_on)

    assert waits_for(_component(cluster, "Nodes", "cluster-nodes"), "cluster-network-vpc-cni")
    assert waits_for(_component(cluster, "AddOns", "cluster-add-ons"), "cluster-nodes-general-1")
    provider = cluster.one("pulumi:providers:kubernetes")
    assert waits_for(provider, "cluster-nodes-general-2")
    assert waits_for(provider, "cluster-add-ons-coredns")
    assert waits_for(provider, "ops-AmazonEKSAdminPolicy")


def test_network_policies_are_enforced(cluster: Recording) -> None:
    network = cluster.one("aws:eks/addon:Addon", "cluster-network-vpc-cni").inputs
    assert json.loads(network["configurationValues"])["enableNetworkPolicy"] == "true"
    assert network["serviceAccountRoleArn"].endswith("role/spool-aws-node-dev")


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_every_add_on_has_a_version(version: str) -> None:
    add_ons = [
        *before_nodes(pod_identity_agent=True),
        *after_nodes(fargate=False, container_insights=True),
    ]
    assert {each.name for each in add_ons} == set(ADD_ONS[version])
    assert ADD_ONS[version]["kube-proxy"].startswith(f"v{version}.")
    assert CLUSTER_AUTOSCALER[version].startswith(f"v{version}.")


def test_charts_are_pinned_and_have_a_source() -> None:
    for chart in CHARTS.values():
        assert chart.version[0].isdigit()
        assert chart.chart.startswith("oci://") is (chart.repository is None)


def test_with_pod_identity_add_ons_have_associations() -> None:
    recording = _cluster(pod_credentials="pod-identity")
    accounts = {
        each.inputs["serviceAccount"]
        for each in recording.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    }
    assert accounts == {"aws-node", "ebs-csi-controller-sa", "cloudwatch-agent"}
    assert not any(
        "serviceAccountRoleArn" in each.inputs for each in recording.of_type("aws:eks/addon:Addon")
    )


def test_who_gets_in_and_how_far(cluster: Recording) -> None:
    allowed = {
        (each.inputs["principalArn"], each.inputs["policyArn"].split("/")[-1]): each.inputs[
            "accessScope"
        ]
        for each in cluster.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    assert set(allowed) == {
        (_ADMIN, "AmazonEKSAdminPolicy"),
        (_ADMIN, "AmazonEKSViewPolicy"),
        (_CI, "AmazonEKSViewPolicy"),
    }
    administered = allowed[_ADMIN, "AmazonEKSAdminPolicy"]
    assert administered["type"] == "namespace"
    assert administered["namespaces"] == ["external-secrets", "keda", "observability"]
    groups = {
        each.inputs["principalArn"]: each.inputs["kubernetesGroups"]
        for each in cluster.of_type("aws:eks/accessEntry:AccessEntry")
    }
    assert groups == {_ADMIN: ["spool:admins"], _CI: ["spool:readers"]}


def test_fargate_takes_all_but_media_and_no_daemon_set() -> None:
    recording = _cluster(fargate=True, pools=_pools(compute="fargate"))
    profile = recording.one("aws:eks/fargateProfile:FargateProfile").inputs
    assert {"namespace": "spool", "labels": {POOL: "general"}} in profile["selectors"]
    assert len(profile["selectors"]) <= 5  # as many as a profile takes
    names = {each.inputs["addonName"] for each in recording.of_type("aws:eks/addon:Addon")}
    assert "eks-pod-identity-agent" not in names
    assert "aws-ebs-csi-driver" not in names
    coredns = recording.one("aws:eks/addon:Addon", "cluster-add-ons-coredns").inputs
    assert json.loads(coredns["configurationValues"])["computeType"] == "Fargate"
    assert [each.name for each in recording.of_type("aws:eks/nodeGroup:NodeGroup")] == [
        "cluster-nodes-media"
    ]


def test_prod_is_protected() -> None:
    made = _cluster(protect=True).one("eks:index:Cluster")
    assert made.protect
    assert made.inputs["deletionProtection"] is True


def test_a_preview_knows_the_name() -> None:
    group = _cluster(preview=True).of_type("aws:eks/nodeGroup:NodeGroup")[0]
    assert group.inputs["clusterName"] == "spool-cluster-dev"
    assert isinstance(group.inputs["nodeRoleArn"], Unknown)


def test_the_page_names_all_that_runs() -> None:
    page = (ROOT / "docs" / "eks.md").read_text()
    for name in {*CHARTS, *ADD_ONS["1.35"]}:
        assert name in page, name
