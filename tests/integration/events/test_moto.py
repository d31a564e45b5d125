"""The launcher that other tests start their AWS with."""

from typing import TYPE_CHECKING

import pytest

from app.foundation.aws import make_client
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sts import STSClient

pytestmark = pytest.mark.usefixtures("aws_credentials")


def test_a_client_reaches_the_server(settings: Settings, moto_url: str) -> None:
    sts: STSClient = make_client(settings, "sts", endpoint_url=moto_url)
    assert sts.get_caller_identity()["Account"] == "123456789012"
