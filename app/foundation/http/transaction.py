"""Dependencies that give a handler its principal and its one transaction.

Litestar ends generator dependencies after the handler has returned and before the answer's first
byte is sent (`HTTPRoute._call_handler_function` leaves its exit stack and only then calls the
response). So what was answered is committed, and a commit that fails becomes an error answer.
"""

from collections.abc import AsyncIterator

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.auth import Principal
from app.foundation.db.database import Database
from app.foundation.storage.protocols import Store
from app.settings import Settings

# What handlers write: `async def get(self, tx: Tx, principal: Me) -> …`.
# Checking what comes from here on every request would tell nothing, and a protocol of many methods
# takes long to check.
Tx = NamedDependency[SkipValidation[AsyncSession]]
Gate = NamedDependency[SkipValidation[AsyncSession]]
Me = NamedDependency[SkipValidation[Principal]]
Db = NamedDependency[SkipValidation[Database]]
Config = NamedDependency[SkipValidation[Settings]]
Objects = NamedDependency[SkipValidation[Store]]


def provide_principal(request: Request) -> Principal:  # type: ignore[type-arg]  # any state
    principal: Principal | None = request.scope.get("user")
    if principal is None:
        raise RuntimeError("a handler that asks for a principal needs the guard requires(…)")
    return principal


# `principal` comes first by name: Litestar resolves what depends on nothing in parallel tasks,
# and two steps in a row are much cheaper than a task group.
async def provide_tx(request: Request, principal: Me) -> AsyncIterator[AsyncSession]:  # type: ignore[type-arg]  # any state
    """A transaction that sees the principal's project, for as long as the handler runs."""
    database: Database = request.app.state.database
    async with database.project(principal.project_id) as tx:
        yield tx


async def provide_gate(request: Request) -> AsyncIterator[AsyncSession]:  # type: ignore[type-arg]  # any state
    """A transaction over accounts and public ids, for who has no project yet."""
    database: Database = request.app.state.database
    async with database.gate() as gate:
        yield gate


def provide_database(request: Request) -> Database:  # type: ignore[type-arg]  # any state
    database: Database = request.app.state.database
    return database


def provide_store(request: Request) -> Store:  # type: ignore[type-arg]  # any state
    store: Store = request.app.state.store
    return store


def provide_settings(request: Request) -> Settings:  # type: ignore[type-arg]  # any state
    settings: Settings = request.app.state.settings
    return settings


DEPENDENCIES = {
    "principal": Provide(provide_principal, sync_to_thread=False),
    "tx": Provide(provide_tx),
    "gate": Provide(provide_gate),
    "database": Provide(provide_database, sync_to_thread=False),
    "store": Provide(provide_store, sync_to_thread=False),
    "settings": Provide(provide_settings, sync_to_thread=False),
}
