"""The recorder itself: what it keeps, and that runs do not see each other."""

import pulumi
import pulumi_aws as aws
import pytest

from infra.component import Component
from infra.grants import Grant, SecretValue, Statement, combined, policy_document
from tests.infra.recorder import record


class _Box(Component):
    KIND = "test:Box"

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        queue = aws.sqs.Queue(name, name="q", opts=self.child(protect=True))
        self.arn = queue.arn
        self.register_outputs({"arn": self.arn})


def test_parents_options_and_outputs_are_kept() -> None:
    def program() -> None:
        pulumi.export("arn", _Box("box").arn)

    recording = record(program)
    queue = recording.one("aws:sqs/queue:Queue", "box")
    assert queue.protect
    assert queue.inputs["name"] == "q"
    assert list(recording.under("spool:test:Box")) == [queue]
    assert recording.outputs == {"arn": "arn:aws:sqs:us-east-1:123456789012:q"}


def test_what_a_program_raises_is_raised() -> None:
    def program() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        record(program)
    assert record(lambda: None).resources == []


def test_in_a_preview_outputs_are_unknown() -> None:
    def program() -> None:
        queue = aws.sqs.Queue("a")
        grant = Grant([Statement(["sqs:SendMessage"], [queue.arn])])
        aws.iam.Policy("p", policy=policy_document(grant.statements))

    def policy(*, preview: bool) -> object:
        return record(program, preview=preview).one("aws:iam/policy:Policy").inputs["policy"]

    assert isinstance(policy(preview=True), pulumi.output.Unknown)
    assert "sqs:SendMessage" in str(policy(preview=False))


def test_grants_that_contradict_each_other() -> None:
    one, other = Grant(environment={"A": "1"}), Grant(environment={"A": "2"})
    assert combined([one, one]).environment == {"A": "1"}
    with pytest.raises(ValueError, match="tell A two things"):
        combined([one, other])
    with pytest.raises(ValueError, match="tell A two things"):
        combined([one, Grant(secrets={"A": SecretValue("n", "arn")})])
