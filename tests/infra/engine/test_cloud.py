"""The harness itself: the real engine makes, changes, sees drift, protects and removes."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from tests.infra.engine.conftest import Engine

Program = Callable[[], None]


def _stack(program: Program) -> automation.Stack:
    return automation.create_or_select_stack("dev", project_name="spool", program=program)


def _queue(tags: dict[str, str], *, protect: bool = False) -> Program:
    def program() -> None:
        queue = aws.sqs.Queue(
            "a", name="named", tags=tags, opts=pulumi.ResourceOptions(protect=protect)
        )
        aws.sns.Topic("b", display_name=queue.arn)
        pulumi.export("arn", queue.arn)

    return program


def test_up_again_drift_and_destroy(engine: Engine) -> None:
    stack = _stack(_queue({"a": "1"}))
    up = stack.up()
    assert up.summary.resource_changes == {"create": 3}
    assert up.outputs["arn"].value == "arn:aws:sqs:us-east-1:123456789012:named"
    assert len(engine.cloud.things) == 2
    assert stack.up().summary.resource_changes == {"same": 3}

    engine.cloud.one("sqs")["tags"] = {"a": "by hand"}
    assert stack.preview(refresh=True).change_summary == {"update": 1, "same": 2}

    stack.workspace.program = _queue({"a": "2"})
    assert stack.up().summary.resource_changes == {"update": 1, "same": 2}
    stack.destroy()
    assert engine.cloud.things == {}


def test_what_is_protected_and_what_fails(engine: Engine) -> None:
    stack = _stack(_queue({}, protect=True))
    engine.cloud.failing["aws:sns/topic:Topic"] = "no topics today"
    with pytest.raises(automation.CommandError, match="no topics today"):
        stack.up()
    engine.cloud.failing.clear()
    assert stack.up().summary.resource_changes == {"create": 1, "same": 2}
    with pytest.raises(automation.CommandError, match="protected"):
        stack.destroy()
