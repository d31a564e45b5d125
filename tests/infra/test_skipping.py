"""Types that a target lacks are registered as components."""

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws
import pytest

from infra.skipping import skip_types
from tests.infra.recorder import record


@pytest.fixture(autouse=True)
def _nothing_is_skipped_afterwards() -> Iterator[None]:
    yield
    skip_types(())


def _program() -> None:
    skip_types(["aws:sqs/queue:Queue"])
    queue = aws.sqs.Queue("a", name="named")
    aws.sns.Topic("b", name=queue.name)
    pulumi.export("id", queue.id)


def test_a_skipped_resource_has_its_inputs_and_no_provider() -> None:
    recording = record(_program)
    assert recording.of_type("aws:sqs/queue:Queue") == []
    assert recording.one("spool:skipped:Queue").name == "a"
    assert recording.one("aws:sns/topic:Topic").inputs["name"] == "named"
    assert recording.outputs == {"id": "skipped-a"}


def test_with_an_empty_list_all_are_made_again() -> None:
    record(_program)

    def program() -> None:
        skip_types(())
        aws.sqs.Queue("a")

    assert record(program).one("aws:sqs/queue:Queue").name == "a"
