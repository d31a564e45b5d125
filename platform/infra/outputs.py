"""What a stack gives to people and tools, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import pulumi


@dataclass(frozen=True)
class Outputs:
    """Outputs of a stack. None where the stack has no such part. None of them is secret.

    Args:
        url: Where console and API are served.
        media_url: The distribution in front of the media, or None where the API serves them.
        api_url: Of API Gateway, where the stack has one.
        cluster_name: For `aws eks update-kubeconfig`.
        namespace: Of the workloads.
        registry: Repository URLs of `api`, `worker` and `console`.
        buckets: Names of `source`, `media`, `frames`, `archive`.
        queue_prefix: What the names of queues begin with.
        sign_in: `issuer`, `client` and `page` of Cognito, where the stack has it.
        topics: ARNs of `api` and `worker` events, and of `alarms`.
        database_host: Reached from within the VPC only.
        dashboards: Addresses of the CloudWatch dashboards.
        images: What runs: `api`, `worker`, `console`.
        ci_roles: ARNs of the roles that CI takes: `deploy` this stack, and, where the stack has the
            account's baseline, push `images`.
    """

    url: str | None = None
    media_url: str | None = None
    api_url: str | None = None
    cluster_name: str | None = None
    namespace: str | None = None
    registry: Mapping[str, str] | None = None
    buckets: Mapping[str, str] | None = None
    sign_in: Mapping[str, str] | None = None
    queue_prefix: str | None = None
    topics: Mapping[str, str] | None = None
    database_host: str | None = None
    dashboards: Mapping[str, str] | None = None
    images: Mapping[str, str] | None = None
    ci_roles: Mapping[str, str] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From a stack's outputs; what is not of this class is left out."""
        return cls(**{each.name: values.get(each.name) for each in fields(cls)})


def export(**outputs: pulumi.Input[Any]) -> None:
    """Exports outputs of the stack.

    Raises:
        TypeError: for a name that `Outputs` does not have.
    """
    known = {each.name for each in fields(Outputs)}
    for name, value in outputs.items():
        if name not in known:
            raise TypeError(f"{name} is no output; infra.outputs.Outputs lists all")
        pulumi.export(name, value)
