"""A roll-out on the real engine: what comes before what, and what a failure leaves alone."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from pulumi import automation

from infra.application.application import Application
from tests.infra.applications import IMAGES, arguments
from tests.infra.engine.conftest import Engine

_JOB = "kubernetes:batch/v1:Job"


def _program(api: str) -> Callable[[], None]:
    def program() -> None:
        controller = k8s.core.v1.ConfigMap("controller")
        args = arguments(
            services_ready=[controller], images=dataclasses.replace(IMAGES, api=api), intake=False
        )
        providers = [aws.Provider("aws", region="us-east-1"), k8s.Provider("kubernetes")]
        Application("application", args, opts=pulumi.ResourceOptions(providers=providers))

    return program


def _images(engine: Engine) -> dict[str, str]:
    """What pods run, by workload."""
    found: dict[str, str] = {}
    for key, thing in engine.cloud.things.items():
        if ":Deployment" in key:
            (container,) = thing["spec"]["template"]["spec"]["containers"]
            found[thing["metadata"]["name"]] = container["image"]
    return found


def _jobs(engine: Engine) -> list[str]:
    return [thing["metadata"]["name"] for key, thing in engine.cloud.things.items() if _JOB in key]


def test_no_pod_has_a_new_image_before_its_migrations(engine: Engine) -> None:
    one, two = (f"spool/api@sha256:{digit * 64}" for digit in "12")
    order: list[str] = []

    def noted(event: Any) -> None:
        done = event.res_outputs_event
        if done is not None:
            order.append(f"{done.metadata.op.value} {done.metadata.type}")

    stack = automation.create_or_select_stack("dev", project_name="spool", program=_program(one))
    stack.up(on_event=noted)
    assert _jobs(engine) == ["migrations-111111111111"]
    assert set(_images(engine).values()) == {one, IMAGES.worker, IMAGES.console}
    first = next(n for n, each in enumerate(order) if each.endswith(":Deployment"))
    for before in (f"create {_JOB}", "create kubernetes:networking.k8s.io/v1:Ingress"):
        assert before in order[:first]

    engine.cloud.failing[_JOB] = "the schema cannot be changed"
    stack.workspace.program = _program(two)
    with pytest.raises(automation.CommandError, match="the schema cannot be changed"):
        stack.up()
    assert set(_images(engine).values()) == {one, IMAGES.worker, IMAGES.console}

    engine.cloud.failing.clear()
    stack.up()
    assert _jobs(engine) == ["migrations-222222222222"]
    assert set(_images(engine).values()) == {two, IMAGES.worker, IMAGES.console}

    order.clear()
    stack.destroy(on_event=noted)
    assert engine.cloud.things == {}
    gone = [each.removeprefix("delete ") for each in order if each.startswith("delete ")]
    # The load balancer's controller is what takes the balancer away.
    assert gone.index("kubernetes:networking.k8s.io/v1:Ingress") < gone.index(
        "kubernetes:core/v1:ConfigMap"
    )
