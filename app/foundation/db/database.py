"""Transactions, and the only place that commits.

A transaction takes a role that sees only what its work needs, for as long as it lasts:

- `project`: `spool_app`, held by row-level security to the rows of one project;
- `gate`: `spool_gate`, turns a credential or a public id into a project;
- `dispatch`: `spool_dispatch`, claims and repairs work over all projects, sees no media data.

`SET LOCAL` ends with the transaction, so a pooled connection carries nothing over.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from asyncpg.exceptions import InternalClientError
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from app.foundation.db.entrance import EnteringConnection
from app.foundation.db.faults import LOGIN_REFUSED, driver_error
from app.foundation.db.spans import TransactionSpan


def _encode_json(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value))


class Database:
    """A pool of connections to PostgreSQL.

    Attributes:
        refused: Why the server no longer lets our login in; None while it does. The URL was read
            when the process began: another password is another process' affair.

    Args:
        url: `postgresql+asyncpg://…` of a login that may `SET ROLE` to the three roles.
        pool_size: Connections kept; half as many more may open under load.
        idle_seconds: A transaction that says nothing for so long is ended by the server. Its
            process is frozen or cut off, and the locks it holds would stop everybody else.
        info: What every session of this process carries as its `info`.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application_name: str = "spool",
        idle_seconds: float = 30,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self._info = dict(info or {})
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=max(1, pool_size // 2),
            pool_timeout=10,
            # A connection that died with the server is replaced by the pool's own invalidation;
            # a ping before each use would cost a round trip per request.
            pool_pre_ping=False,
            # Errors go to logs and spans; what was to be written may be somebody's password.
            hide_parameters=True,
            json_serializer=_encode_json,
            connect_args={
                "server_settings": {
                    "application_name": application_name,
                    "jit": "off",
                    "idle_in_transaction_session_timeout": f"{idle_seconds * 1000:.0f}",
                },
                "timeout": 10,
                "connection_class": EnteringConnection,
            },
        )
        self.refused: str | None = None
        event.listen(self.engine.sync_engine, "connect", self._let_in)
        event.listen(self.engine.sync_engine, "handle_error", self._went_wrong)

    def _let_in(self, *_: object) -> None:
        self.refused = None

    def _went_wrong(self, context: ExceptionContext) -> None:
        error = driver_error(context.original_exception)
        if isinstance(error, LOGIN_REFUSED):
            self.refused = "the database refuses the login"
        if isinstance(error, InternalClientError):
            # The driver has lost its place in the protocol. It does not call the connection
            # closed, so the pool would hand it out again, to fail again.
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False

    @asynccontextmanager
    async def project(self, project_id: str) -> AsyncIterator[AsyncSession]:
        """A transaction that sees and writes the rows of one project only."""
        async with self._transaction("spool_app", project_id) as session:
            yield session

    @asynccontextmanager
    async def gate(self) -> AsyncIterator[AsyncSession]:
        """A transaction over accounts and public ids, for who has no project yet."""
        async with self._transaction("spool_gate", "") as session:
            yield session

    @asynccontextmanager
    async def dispatch(self) -> AsyncIterator[AsyncSession]:
        """A transaction over the task rows of all projects."""
        async with self._transaction("spool_dispatch", "") as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, role: str, project_id: str) -> AsyncIterator[AsyncSession]:
        # What was read stays usable after the commit; nothing reloads behind one's back.
        session = AsyncSession(self.engine, expire_on_commit=False, info=self._info)
        with TransactionSpan(role) as span:
            async with session, session.begin():
                connection = await session.connection()
                span.follow(connection)
                driver = _driver_of(connection)
                driver.enter_next(role, project_id)
                try:
                    yield session
                    if session.new:
                        # The commit would write it, and begin the transaction with no role.
                        await session.flush()
                finally:
                    # A transaction that said nothing has not begun; the connection's next one is
                    # somebody else's.
                    driver.enter_nothing()
                    span.leave()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection without role or transaction, for LISTEN and for health checks."""
        async with self.engine.connect() as connection:
            yield connection

    async def now(self) -> datetime:
        """The database's clock, the only one that leases and deadlines go by."""
        async with self.engine.connect() as connection:
            instant: datetime = (
                await connection.execute(text("SELECT clock_timestamp()"))
            ).scalar_one()
            return instant

    async def close(self) -> None:
        await self.engine.dispose()


def _driver_of(connection: AsyncConnection) -> EnteringConnection:
    # It is there without I/O: the pool has made or kept it.
    driver = connection.sync_connection and connection.sync_connection.connection.driver_connection
    if not isinstance(driver, EnteringConnection):
        raise TypeError(f"not a connection of this pool: {driver!r}")
    return driver
