"""What becomes of a PATCH whose process, store or client goes away in the middle."""

from collections.abc import AsyncIterator

from sqlalchemy import text, update

from app.foundation.db.database import Database
from app.foundation.storage.errors import StoreUnavailable
from app.foundation.storage.protocols import ObjectInfo, Part, Store
from app.uploads.policy import UploadPolicy
from app.uploads.tus_lease import Hold
from app.uploads.tus_models import TusUpload
from app.uploads.tus_service import begin_append
from tests.integration.api.live import Live
from tests.integration.api.tus.speaking import id_of


async def hold_of(live: Live, place: str, offset: int) -> Hold:
    """As a PATCH that another process has begun."""
    async with live.database.project(live.project_id) as tx:
        hold = await begin_append(
            tx,
            UploadPolicy.of(live.settings),
            id_of(place),
            offset=offset,
            announced=None,
            length=None,
        )
    assert hold is not None
    return hold


async def run_out(database: Database, project_id: str, place: str) -> None:
    """As if its process had been dead for long enough."""
    async with database.project(project_id) as tx:
        await tx.execute(
            update(TusUpload)
            .where(TusUpload.upload_id == id_of(place))
            .values(lease_until=text("clock_timestamp() - interval '1 ms'"))
        )


async def once(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


class Failing:
    """The store, down at its `fails_at`th write, before or after the write has happened."""

    def __init__(self, store: Store, fails_at: int, *, done: bool) -> None:
        self._store = store
        self._left = fails_at
        self._done = done

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def put(self, key: str, data: bytes | AsyncIterator[bytes]) -> ObjectInfo:
        self._begin()
        info = await self._store.put(key, data)
        self._end()
        return info

    async def put_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: AsyncIterator[bytes],
        *,
        content_length: int | None = None,
        size: int | None = None,
    ) -> Part:
        self._begin()
        part = await self._store.put_part(
            key, upload_id, number, body, content_length=content_length, size=size
        )
        self._end()
        return part

    def _begin(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._done:
            raise StoreUnavailable("down")

    def _end(self) -> None:
        if self._left == 0:
            raise StoreUnavailable("down")
