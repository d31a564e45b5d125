"""A served API whose uploads are spoken to in tus, over each store there is."""

from collections.abc import AsyncIterator

import pytest

from app.foundation.db.database import Database
from app.settings import Settings
from tests.integration.api.live import Live, serve
from tests.integration.api.tus.speaking import Tus

STORES = ("folder",)


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings with one of the stores."""
    assert request.param == settings.store
    return settings


@pytest.fixture
async def live(stored: Settings, database: Database, project_id: str) -> AsyncIterator[Live]:
    async with serve(stored, database, project_id) as served:
        yield served


@pytest.fixture
def tus(live: Live) -> Tus:
    return Tus(live.client)
