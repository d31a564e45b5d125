"""Values from Secrets Manager as Kubernetes secrets: External Secrets and its store."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.grants import Statement
from infra.names import Names
from infra.services.release import release, resources
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

STORE = "secrets-manager"
_ACCOUNT = "external-secrets"


@dataclass(frozen=True)
class ExternalSecretsArgs:
    """What External Secrets is told.

    Args:
        names: Names of the stack.
        region: Of the secrets.
        namespace: Its own.
        credentials: How its pods get their role.
        secret_arns: What it may read.
        key_arns: KMS keys of those.
        readers: Namespaces that may ask for them.
    """

    names: Names
    region: str
    namespace: pulumi.Input[str]
    credentials: PodCredentials
    secret_arns: Sequence[pulumi.Input[str]]
    key_arns: Sequence[pulumi.Input[str]]
    readers: Sequence[str]


class ExternalSecrets(Component):
    """The operator and one store for the cluster, which has the operator's own role.

    Attributes:
        store: To be there before an ExternalSecret that names it.
    """

    KIND = "services:ExternalSecrets"

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        statements = []
        if args.secret_arns:
            statements.append(
                Statement(
                    ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                    args.secret_arns,
                )
            )
        if args.key_arns:
            by_secrets_manager = {
                "StringEquals": {"kms:ViaService": [f"secretsmanager.{args.region}.amazonaws.com"]}
            }
            statements.append(Statement(["kms:Decrypt"], args.key_arns, by_secrets_manager))
        role = WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=args.names,
                namespace="external-secrets",
                service_account=_ACCOUNT,
                credentials=args.credentials,
                statements=statements,
            ),
            self.child(),
        )
        small = resources("25m", "128Mi")
        operator = release(
            "external-secrets",
            namespace=args.namespace,
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
        self.store = k8s.apiextensions.CustomResource(
            STORE,
            api_version="external-secrets.io/v1",
            kind="ClusterSecretStore",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=STORE),
            spec={
                "conditions": [{"namespaces": list(args.readers)}],
                "provider": {"aws": {"service": "SecretsManager", "region": args.region}},
            },
            opts=self.child(depends_on=[operator]),
        )
        self.register_outputs({})
