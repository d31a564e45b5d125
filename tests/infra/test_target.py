"""The provider, on AWS and on a server that stands in for it."""

from infra.target import Target, aws_provider
from tests.infra.recorder import record


def test_a_stand_in_is_asked_for_every_service() -> None:
    target = Target.of({"endpoint": "http://127.0.0.1:5000", "pathStyle": True, "maxRetries": 2})

    def program() -> None:
        aws_provider("aws", region="us-east-1", tags={"stack": "dev"}, target=target)

    provider = record(program).one("pulumi:providers:aws").inputs
    assert '"lambda": "http://127.0.0.1:5000"' in provider["endpoints"]
    assert provider["maxRetries"] == "2"
    assert provider["s3UsePathStyle"] == "true"
