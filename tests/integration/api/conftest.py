"""The API in this process, over real PostgreSQL and a real folder."""

from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from litestar import Litestar

from app.asgi import create_app
from app.foundation.db.database import Database
from app.settings import Settings
from tests.integration.api.live import Live, serve
from tests.integration.api.people import Person, register


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> None:
    """One line per event: structlog's own default draws pictures of tracebacks for seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ]
    )


@pytest.fixture
def api(settings: Settings, database: Database) -> Litestar:
    return create_app(settings, database=database)


@pytest.fixture
async def client(api: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular."""
    async with client_of(api) as opened:
        yield opened


def client_of(api: Litestar) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(api)  # type: ignore[arg-type]  # httpx has looser ASGI types
    return httpx.AsyncClient(transport=transport, base_url="http://spool.test")


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """The owner of a project."""
    return await register(client, "ada@example.org")


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Person:
    """The owner of another project."""
    return await register(client, "bob@example.org")


@pytest.fixture
async def live(settings: Settings, database: Database, project_id: str) -> AsyncIterator[Live]:
    """The API on a socket of its own, with an empty project."""
    async with serve(settings, database, project_id) as served:
        yield served
