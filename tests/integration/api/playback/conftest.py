"""A published asset, and playback ids of it."""

import httpx
import pytest

from app.foundation.db.database import Database
from app.foundation.storage.folder import FolderStore
from app.seams import make_folder_store
from app.settings import Settings
from tests.integration.api.playback.asking import NewId, sign_in
from tests.published_media import MadeMedia, add_asset, make_media, publish


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def store(settings: Settings) -> FolderStore:
    return make_folder_store(settings)


@pytest.fixture
def owner(settings: Settings, project_id: str) -> dict[str, str]:
    return sign_in(settings, project_id)


@pytest.fixture
async def asset_id(database: Database, project_id: str) -> str:
    """An asset that is being processed."""
    return await add_asset(database, project_id)


@pytest.fixture
async def ready_id(
    database: Database, store: FolderStore, made: MadeMedia, project_id: str, asset_id: str
) -> str:
    await publish(database, store, made, project_id, asset_id)
    return asset_id


@pytest.fixture
def new_playback_id(client: httpx.AsyncClient, owner: dict[str, str]) -> NewId:
    async def new(asset_id: str, policy: str = "public") -> str:
        answer = await client.post(
            f"/v1/assets/{asset_id}/playback-ids", json={"policy": policy}, headers=owner
        )
        assert answer.status_code == 201, answer.text
        playback_id: str = answer.json()["id"]
        return playback_id

    return new


@pytest.fixture
async def public_id(ready_id: str, new_playback_id: NewId) -> str:
    return await new_playback_id(ready_id)


@pytest.fixture
async def signed_id(ready_id: str, new_playback_id: NewId) -> str:
    return await new_playback_id(ready_id, "signed")
