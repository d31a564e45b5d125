"""A Spool of the benchmark's own: PostgreSQL, a migrated database, a store, a project."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from app.accounts.models import Organisation, Project
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id, random_id
from app.local.postgres import LocalPostgres
from app.settings import Settings
from migrations.run import upgrade
from tests.bench.machine import cpu_seconds


@dataclass(frozen=True, slots=True)
class Installation:
    """What one benchmark runs on; nothing else uses the server.

    Args:
        folder: For whatever has to lie on disk; gone at the end.
    """

    postgres: LocalPostgres
    folder: Path
    database_name: str
    settings: Settings

    @property
    def admin_dsn(self) -> str:
        """A superuser's URL, for asyncpg: row-level security does not hold it."""
        return plain(self.postgres.admin_url(self.database_name))

    @property
    def app_dsn(self) -> str:
        """The app's login, for asyncpg."""
        return plain(self.settings.database_url.get_secret_value())

    def environment(self, **changes: str) -> Mapping[str, str]:
        """The settings as the programs of Spool read them."""
        keys = {name: key.get_secret_value() for name, key in self.settings.signing_keys.items()}
        return {
            "SPOOL_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "SPOOL_SIGNING_KEYS": json.dumps(keys),
            "SPOOL_SIGNING_KEY_ID": self.settings.signing_key_id,
            "SPOOL_STORE_ROOT": str(self.settings.store_root),
            "SPOOL_SCRATCH_ROOT": str(self.settings.scratch_root),
            **changes,
        }

    def postgres_cpu_seconds(self) -> float:
        pid = self.postgres.pid
        return 0.0 if pid is None else cpu_seconds(pid)

    async def create_database(self, *, migrated: bool) -> str:
        """Another database on the same server; gives its name."""
        name = f"bench_{random_id(10)}"
        owner = " OWNER spool_owner" if migrated else ""
        await self.execute(f"CREATE DATABASE {name}{owner}", database="postgres")
        if migrated:
            await _migrate(other_database(self.postgres.owner_url, name))
        return name

    async def execute(self, *statements: str, database: str | None = None) -> None:
        """Statements as superuser, each a transaction of its own."""
        dsn = plain(self.postgres.admin_url(database or self.database_name))
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, pool_size: int = 5) -> AsyncIterator[Database]:
        opened = Database(self.settings.database_url.get_secret_value(), pool_size=pool_size)
        try:
            yield opened
        finally:
            await opened.close()

    async def add_project(self) -> str:
        organisation, project = new_id("org"), new_id("prj")
        async with self.database() as database, database.gate() as gate:
            gate.add(Organisation(id=organisation, name="Bench"))
            await gate.flush()
            gate.add(Project(id=project, organisation_id=organisation, name="Bench"))
        return project


@asynccontextmanager
async def install() -> AsyncIterator[Installation]:
    """A server with its safety on (fsync, synchronous commit), in a folder of its own."""
    with TemporaryDirectory(prefix="spool-bench-") as name:
        folder = Path(name)
        postgres = LocalPostgres(folder / "postgres")
        await asyncio.to_thread(postgres.start)
        try:
            await _migrate(postgres.owner_url)
            settings = Settings.model_validate(
                {
                    "database_url": postgres.app_url,
                    "signing_keys": {"bench": "a key for benchmarks only, of some length"},
                    "signing_key_id": "bench",
                    "store_root": folder / "store",
                    "scratch_root": folder / "scratch",
                }
            )
            yield Installation(postgres, folder, postgres.app_url.rpartition("/")[2], settings)
        finally:
            await asyncio.to_thread(postgres.destroy)


async def _migrate(owner_url: str) -> None:
    # Alembic runs an event loop of its own.
    await asyncio.to_thread(upgrade, owner_url, app_login="spool_login")


def other_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def plain(url: str) -> str:
    """The URL without SQLAlchemy's word for the driver."""
    return url.replace("postgresql+asyncpg://", "postgresql://")
