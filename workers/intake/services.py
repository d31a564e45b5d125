"""What the readers of a data stream work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.database import Database
from app.foundation.storage.protocols import Store
from app.intake.shards import Group
from app.settings import Settings
from app.uploads.policy import UploadPolicy
from workers.intake.kinesis import DataStream


@dataclass(frozen=True, slots=True)
class StreamServices:
    """Made once by the composition root.

    Args:
        owner: The name under which this process holds leases.
        policy: Of streams, not of other uploads.
    """

    settings: Settings
    database: Database
    store: Store
    source: DataStream
    group: Group
    policy: UploadPolicy
    owner: str

    @property
    def idle(self) -> timedelta:
        return timedelta(seconds=self.settings.kinesis_idle_seconds)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction of the group's project."""
        async with self.database.project(self.group.project_id) as tx:
            yield tx
