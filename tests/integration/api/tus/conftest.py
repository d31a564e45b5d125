"""A served API whose uploads are spoken to in tus, over each store there is."""

from collections.abc import AsyncIterator

import pytest

from app.foundation.db.database import Database
from app.settings import Settings
from tests.integration.api.live import Live, serve
from tests.integration.api.tus.speaking import Tus
from tests.integration.storage.s3_stores import make_buckets
from tests.servers.versitygw import ObjectServer


@pytest.fixture(params=["folder", "s3"])
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings with one of the stores."""
    if request.param == "folder":
        return settings
    server: ObjectServer = request.getfixturevalue("object_server")
    request.getfixturevalue("aws_credentials")
    [bucket] = make_buckets(server.url, 1)
    return settings.model_copy(
        update={
            "store": "s3",
            "s3_endpoint_url": server.url,
            "s3_path_style": True,
            "s3_source_bucket": bucket,
            "scratch_root": None,
        }
    )


@pytest.fixture
async def live(stored: Settings, database: Database, project_id: str) -> AsyncIterator[Live]:
    async with serve(stored, database, project_id) as served:
        yield served


@pytest.fixture
def tus(live: Live) -> Tus:
    return Tus(live.client)
