"""A service account's role: whom it trusts, what it may do, and how the pod finds it."""

import json
from typing import Any

import pulumi
import pytest

from infra.grants import Statement
from infra.names import Names
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs
from tests.infra.recorder import Recording, record

_CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/spool-cluster-dev"
_PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.example/id/ABC"


def _recorded(kind: Any, *, preview: bool = False) -> Recording:
    def program() -> None:
        role = WorkloadRole(
            "uploader",
            WorkloadRoleArgs(
                names=Names("spool", "dev"),
                namespace="spool",
                service_account="uploader",
                credentials=PodCredentials(
                    kind=kind,
                    cluster_name="spool-cluster-dev",
                    cluster_arn=_CLUSTER,
                    oidc_provider_arn=_PROVIDER,
                    oidc_issuer="oidc.example/id/ABC",
                ),
                statements=[Statement(["sqs:SendMessage"], ["arn:aws:sqs:::q"])],
            ),
        )
        pulumi.export("annotations", dict(role.annotations))

    return record(program, preview=preview)


def _trust(recording: Recording) -> Any:
    policy = recording.one("aws:iam/role:Role", "uploader").inputs["assumeRolePolicy"]
    (statement,) = json.loads(policy)["Statement"]
    return statement


def test_irsa_trusts_one_service_account() -> None:
    recording = _recorded("irsa")
    trust = _trust(recording)
    assert trust["Principal"] == {"Federated": _PROVIDER}
    assert trust["Condition"]["StringEquals"] == {
        "oidc.example/id/ABC:sub": "system:serviceaccount:spool:uploader",
        "oidc.example/id/ABC:aud": "sts.amazonaws.com",
    }
    assert recording.outputs["annotations"]["eks.amazonaws.com/role-arn"] == (
        "arn:aws:iam::123456789012:role/spool-uploader-dev"
    )
    assert not recording.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")


def test_pod_identity_trusts_one_service_account_of_one_cluster() -> None:
    recording = _recorded("pod-identity")
    trust = _trust(recording)
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": _CLUSTER,
        "aws:RequestTag/kubernetes-namespace": "spool",
        "aws:RequestTag/kubernetes-service-account": "uploader",
    }
    association = recording.one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert association.inputs["namespace"] == "spool"
    assert association.inputs["serviceAccount"] == "uploader"
    assert recording.outputs["annotations"] == {}


@pytest.mark.parametrize("kind", ["irsa", "pod-identity"])
def test_the_policy_is_of_the_statements(kind: str) -> None:
    policy = _recorded(kind).one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]
    assert json.loads(policy)["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["arn:aws:sqs:::q"]}
    ]


def test_a_preview_knows_what_it_makes() -> None:
    assert len(_recorded("irsa", preview=True).of_type("aws:iam/role:Role")) == 1
