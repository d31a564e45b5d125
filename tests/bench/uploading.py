"""Files that arrive at the API as a client's do: in parts, by the uploader of the command line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from app.accounts.api_keys import create_key
from app.cli.api import Api
from app.cli.resume import UploadMemory
from app.cli.upload import Uploader, Wishes
from app.foundation.auth import SCOPES, Principal
from app.foundation.db.database import Database


async def make_key(database: Database, project_id: str) -> str:
    """The text of a key that may do everything in the project."""
    async with database.project(project_id) as tx:
        principal = Principal(project_id, SCOPES)
        _, key = await create_key(tx, principal, name="bench", scopes=SCOPES, expires_at=None)
    return key


@contextlib.contextmanager
def api_client(url: str, key: str) -> Iterator[Api]:
    with Api(url, key) as api:
        yield api


def upload(api: Api, folder: Path, path: Path) -> str:
    """Uploads a file and completes it; gives its asset's id."""
    uploader = Uploader(api, UploadMemory(folder / "uploads", api.server), lambda *_: None)
    return uploader.upload(path, Wishes()).asset_id


def make_file(path: Path, size: int) -> Path:
    """A file of zeros that lies on disk, not in a hole of one."""
    block = bytes(1024 * 1024)
    with path.open("wb") as file:
        for begin in range(0, size, len(block)):
            file.write(block[: size - begin])
    return path
