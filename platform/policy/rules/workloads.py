"""Pods: restricted, bounded, replaced one by one, and spoken to by whom it is meant for."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.rules.images import PODS, containers_of, pod_of
from policy.rules.rule import Found, Resource, Rule, Stack

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
_NETWORK = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def _bounded(stack: Stack) -> Found:
    for resource in stack.of(*PODS):
        for container in containers_of(resource):
            limits = container.get("resources", {}).get("limits") or {}
            if "memory" not in limits:
                yield resource, f"{container.get('name')} has no memory limit."
            if not container.get("resources", {}).get("requests"):
                yield resource, f"{container.get('name')} requests nothing."


def _restricted(stack: Stack) -> Found:
    for resource in stack.of(*PODS):
        for container in containers_of(resource):
            for fault in _faults(_context(pod_of(resource), container)):
                yield resource, f"{container.get('name')} {fault}"


def _apart(stack: Stack) -> Found:
    for resource in stack.of(*PODS):
        pod = pod_of(resource)
        for flag in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(flag):
                yield resource, f"shares the node's {flag.removeprefix('host')}."
        for volume in pod.get("volumes") or ():
            if volume.get("hostPath"):
                yield resource, f"mounts {volume['hostPath'].get('path')} of the node."


def _faults(context: Mapping[str, Any]) -> Iterator[str]:
    if not context.get("runAsNonRoot"):
        yield "may run as root; set runAsNonRoot."
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges; forbid it."
    if not context.get("readOnlyRootFilesystem"):
        yield "may write its own programs; set readOnlyRootFilesystem."
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
        yield "keeps capabilities; drop ALL."
    profile = (context.get("seccompProfile") or {}).get("type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile."


def _context(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    return {**(pod.get("securityContext") or {}), **(container.get("securityContext") or {})}


def _probed(stack: Stack) -> Found:
    for resource in stack.of(_DEPLOYMENT):
        for container in pod_of(resource).get("containers") or ():
            for probe in ("readinessProbe", "livenessProbe"):
                if not container.get(probe):
                    yield resource, f"{container.get('name')} has no {probe}."


def _budgeted(stack: Stack) -> Found:
    for resource in stack.of(_DEPLOYMENT):
        if not _selected(stack, _BUDGET, "selector", resource):
            yield resource, "has no disruption budget."


def _policed(stack: Stack) -> Found:
    for resource in stack.of(_DEPLOYMENT):
        if not _selected(stack, _NETWORK, "podSelector", resource):
            yield resource, "is named by no network policy."
    spaces = {each.get("metadata", "namespace") for each in stack.of(_DEPLOYMENT)}
    closed = {
        each.get("metadata", "namespace")
        for each in stack.of(_NETWORK)
        if not each.get("spec", "podSelector")
    }
    for resource in stack.of(_DEPLOYMENT):
        space = resource.get("metadata", "namespace")
        if space in spaces - closed:
            yield resource, f"lives in {space}, where what no policy forbids is allowed."


def _selected(stack: Stack, type_: str, selector: str, workload: Resource) -> bool:
    labels = workload.get("spec", "template", "metadata", "labels") or {}
    return any(_matches(each.get("spec", selector), labels) for each in stack.of(type_))


def _matches(selector: Any, labels: Mapping[str, str]) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


RULES = (
    Rule("bounded-pods", "Containers have limits and requests.", _bounded),
    Rule("restricted-pods", "Pods are restricted as Pod Security has it.", _restricted),
    Rule("pods-apart", "Pods share nothing with their node.", _apart),
    Rule("probed-pods", "Deployments are probed.", _probed),
    Rule("budgeted-deployments", "Deployments have a disruption budget.", _budgeted),
    Rule("policed-deployments", "Deployments have network policies.", _policed),
)
