"""Values from Secrets Manager as Kubernetes secrets: External Secrets and its store."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.grants import Statement
from infra.ground.cluster import Cluster
from infra.placement import EXTERNAL_SECRETS
from infra.services.release import Service, release, resources

STORE = "secrets-manager"
_ACCOUNT = "external-secrets"


@dataclass(frozen=True)
class ExternalSecretsArgs:
    """What External Secrets is told.

    Args:
        cluster: Where it is, and the secrets beside it.
        secret_arns: What it may read.
        key_arn: KMS key of those; AWS' own without.
        readers: Namespaces that may ask for them.
    """

    cluster: Cluster
    secret_arns: Sequence[pulumi.Input[str]]
    key_arn: pulumi.Input[str] | None
    readers: Sequence[str]


class ExternalSecrets(Service):
    """The operator and one store for the cluster, which has the operator's own role.

    Attributes:
        ready: The store, to be there before an ExternalSecret that names it.
    """

    KIND = "services:ExternalSecrets"

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        region = args.cluster.args.region
        read = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        statements = [Statement(read, args.secret_arns)]
        if args.key_arn is not None:
            by_secrets_manager = {
                "StringEquals": {"kms:ViaService": [f"secretsmanager.{region}.amazonaws.com"]}
            }
            statements.append(Statement(["kms:Decrypt"], [args.key_arn], by_secrets_manager))
        role = self.role(name, args.cluster, EXTERNAL_SECRETS, _ACCOUNT, statements)
        small = resources("25m", "128Mi")
        operator = release(
            "external-secrets",
            namespace=EXTERNAL_SECRETS,
            values={
                "replicaCount": 2,
                "leaderElect": True,
                "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
                "serviceAccount": {"name": _ACCOUNT, "annotations": role.annotations},
                "resources": resources("50m", "256Mi"),
                # Its usual port is the kubelet's own, which on Fargate is in the same pod.
                "webhook": {"resources": small, "port": 9443},
                "certController": {"resources": small},
                # What is not used is not watched.
                "processClusterExternalSecret": False,
                "processClusterPushSecret": False,
                "processPushSecret": False,
                "processClusterGenerator": False,
            },
            opts=self.child(depends_on=role.ready),
        )
        self.ready = k8s.apiextensions.CustomResource(
            STORE,
            api_version="external-secrets.io/v1",
            kind="ClusterSecretStore",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=STORE),
            spec={
                "conditions": [{"namespaces": list(args.readers)}],
                "provider": {"aws": {"service": "SecretsManager", "region": region}},
            },
            opts=self.child(depends_on=[operator]),
        )
        self.register_outputs({})
