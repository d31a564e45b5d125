"""The AWS resources of a recording, as `terraform show -json` shows a plan.

What a plan cannot know yet, because AWS makes it up, refers to the resource that will have it, and
checkov connects the two: the versioning to its bucket. Here the reference stands where the value
would be, which is what checkov makes of the references in a plan's configuration.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.infra.checkov.terraform_names import snake, terraform_attributes, terraform_type
from tests.infra.recorder import Recorded
from tests.infra.stacks_of import plain

_PULUMI_EKS = "eks:index:Cluster"
_CLUSTER = "aws:eks/cluster:Cluster"


def terraform_plan(resources: Sequence[Recorded]) -> dict[str, Any]:
    """The plan of those resources that are AWS'."""
    ours = [each for each in resources if each.type.startswith("aws:") or each.type == _PULUMI_EKS]
    references = _References(ours)
    planned = []
    for each in ours:
        inputs = references.in_inputs(each)
        type_, _, name = address(each).partition(".")
        planned.append(
            {
                "address": address(each),
                "mode": "managed",
                "type": type_,
                "name": name,
                "values": (
                    terraform_attributes(_CLUSTER, _cluster(inputs))
                    if each.type == _PULUMI_EKS
                    else terraform_attributes(each.type, inputs)
                ),
            }
        )
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
    }


def address(resource: Recorded) -> str:
    """Where Terraform would have it: `aws_s3_bucket.buckets-media`."""
    token = _CLUSTER if resource.type == _PULUMI_EKS else resource.type
    return f"{terraform_type(token)}.{re.sub(r'[^A-Za-z0-9_-]', '_', resource.name)}"


def _cluster(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs of pulumi-eks' cluster as those of the one in AWS that it makes."""
    key = inputs.get("encryptionConfigKeyArn")
    return {
        "name": inputs["name"],
        "version": inputs["version"],
        "roleArn": inputs["serviceRole"],
        "enabledClusterLogTypes": inputs["enabledClusterLogTypes"],
        "encryptionConfig": key and {"provider": {"keyArn": key}, "resources": ["secrets"]},
        "vpcConfig": {
            "endpointPublicAccess": inputs["endpointPublicAccess"],
            "endpointPrivateAccess": inputs["endpointPrivateAccess"],
            "publicAccessCidrs": inputs.get("publicAccessCidrs"),
            "subnetIds": inputs["privateSubnetIds"],
        },
    }


class _References:
    """Finds the resource that a value is from, and says which attribute of it."""

    def __init__(self, resources: Sequence[Recorded]) -> None:
        self._by_urn = {each.urn: each for each in resources}
        self._made_up: dict[str, str] = {}
        for each in resources:
            known = set(map(str, each.inputs.values()))
            for name, value in _texts(each):
                if value not in known:
                    ambiguous = value in self._made_up
                    self._made_up[value] = "" if ambiguous else f"{address(each)}.{snake(name)}"

    def in_inputs(self, resource: Recorded) -> dict[str, Any]:
        return {
            name: self._within(plain(value), resource.sources.get(name, ()))
            for name, value in resource.inputs.items()
        }

    def _within(self, value: Any, sources: Sequence[str]) -> Any:
        if isinstance(value, Mapping):
            return {name: self._within(each, sources) for name, each in value.items()}
        if isinstance(value, list):
            return [self._within(each, sources) for each in value]
        return self._of(value, sources) if isinstance(value, str) else value

    def _of(self, value: str, sources: Sequence[str]) -> str:
        if made_up := self._made_up.get(value):
            return made_up
        # A role's name is both its id and an input, and other things may have the same name.
        for source in filter(None, map(self._by_urn.get, sources)):
            for name, output in _texts(source):
                if output == value:
                    return f"{address(source)}.{snake(name)}"
        return value


def _texts(resource: Recorded) -> Iterator[tuple[str, str]]:
    return (
        (name, value) for name, value in resource.outputs.items() if value and type(value) is str
    )
