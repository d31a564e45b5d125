"""Which images run: named by what they are, kept and scanned."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.rules.rule import Found, Resource, Rule, Stack, listed

PODS = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:DaemonSet",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:batch/v1:Job",
    "kubernetes:batch/v1:CronJob",
)


def pod_of(resource: Resource) -> Mapping[str, Any]:
    """The pod's specification of anything that makes pods."""
    if resource.type.endswith("CronJob"):
        return resource.get("spec", "jobTemplate", "spec", "template", "spec") or {}
    return resource.get("spec", "template", "spec") or {}


def containers_of(resource: Resource) -> Iterator[Mapping[str, Any]]:
    pod = pod_of(resource)
    yield from listed(pod.get("initContainers"))
    yield from listed(pod.get("containers"))


def _latest(stack: Stack) -> Found:
    for resource in stack.of(*PODS):
        for container in containers_of(resource):
            image = str(container.get("image") or "")
            name = image.rpartition("/")[2]
            if image and "@" not in image and (":" not in name or name.endswith(":latest")):
                yield resource, f"runs {image}, which is another image tomorrow; name a version."
            elif image and stack.preset == "prod" and "@sha256:" not in image:
                yield resource, f"runs {image} in prod; name it by digest."


def _registry(stack: Stack) -> Found:
    for resource in stack.of("aws:ecr/repository:Repository"):
        if resource.get("imageTagMutability") != "IMMUTABLE":
            yield resource, "lets a tag become another image; set IMMUTABLE."
        if not resource.get("imageScanningConfiguration", "scanOnPush"):
            yield resource, "does not scan what is pushed."


RULES = (
    Rule("no-latest-images", "Images are named by version, in prod by digest.", _latest),
    Rule("immutable-registry", "Tags do not change, and images are scanned.", _registry),
)
