"""Settings of a store on a server that speaks S3, with buckets of the test's own."""

from pathlib import Path

import pytest

from app.settings import Settings
from tests.conftest import make_settings
from tests.integration.storage.s3_stores import make_buckets
from tests.servers.versitygw import ObjectServer


@pytest.fixture
def s3_settings(object_server: ObjectServer, aws_credentials: None, tmp_path: Path) -> Settings:
    source, media = make_buckets(object_server.url, 2)
    return make_settings(
        "postgresql://nobody@127.0.0.1/none",
        tmp_path,
        store="s3",
        s3_endpoint_url=object_server.url,
        s3_path_style=True,
        s3_source_bucket=source,
        s3_media_bucket=media,
        scratch_root=None,
    )
