"""Repositories of images: one name for all stacks, tags that stay, and what is kept."""

import json

import pytest

from infra.state.registry import Registry, RegistryArgs
from tests.infra.recorder import record


@pytest.mark.parametrize(("protect", "delete_images"), [(True, False), (False, True)])
def test_repositories(protect: bool, delete_images: bool) -> None:
    args = RegistryArgs("spool", 50, protect, delete_images)
    recording = record(lambda: (Registry("registry", args), None)[1])
    repositories = recording.of_type("aws:ecr/repository:Repository")
    # The names that the workflow of docs/images.md pushes to.
    assert {each.inputs["name"] for each in repositories} == {
        "spool/api",
        "spool/worker",
        "spool/console",
    }
    for each in repositories:
        assert each.inputs["imageTagMutability"] == "IMMUTABLE"
        assert each.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert (each.protect, each.inputs["forceDelete"]) == (protect, delete_images)
    policy = json.loads(
        recording.of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")[0].inputs["policy"]
    )
    untagged, any_ = policy["rules"]
    # ECR goes by priority, and takes a rule about any tag only as the last one.
    assert untagged["rulePriority"] < any_["rulePriority"]
    assert any_["selection"]["countNumber"] == 50
