"""BEGIN that takes role and project along: one round trip instead of two.

SQLAlchemy's dialect begins a transaction by `asyncpg.Connection.transaction().start()` when its
first statement comes. This connection sends the role in the same message.
"""

import re
from typing import Any

import asyncpg

# Nothing else gets into the SQL, which has no parameters here.
_PLAIN = re.compile(r"[A-Za-z0-9_]*")


class EnteringConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection whose next transaction can be told what it is for."""

    _entrance = ""

    def enter_next(self, role: str, project_id: str) -> None:
        """The next transaction takes a role, and a project, for as long as it lasts.

        Args:
            role: One of ours.
            project_id: Whatever cannot be an id is taken for no project, which sees nothing.
        """
        project = project_id if _PLAIN.fullmatch(project_id) else ""
        self._entrance = f"SET LOCAL role TO {role}; SET LOCAL spool.project_id TO '{project}'"

    def enter_nothing(self) -> None:
        """The next transaction is the login's own, which may do nothing."""
        self._entrance = ""

    def transaction(self, **options: Any) -> "_Transaction":
        """For SQLAlchemy's dialect, which gives only the defaults as options.

        Raises:
            ValueError: another isolation level is asked for.
        """
        if any(options.values()):
            raise ValueError(f"transactions here are PostgreSQL's default ones, not {options}")
        entrance, self._entrance = self._entrance, ""
        return _Transaction(self, f"BEGIN; {entrance}")


class _Transaction:
    """What the dialect asks of asyncpg's own, which would send BEGIN by itself."""

    def __init__(self, connection: EnteringConnection, begin: str) -> None:
        self._connection = connection
        self._begin = begin

    async def start(self) -> None:
        try:
            await self._connection.execute(self._begin)
        except BaseException:
            # It may have begun before it broke off, and nobody would end it.
            if self._connection.is_in_transaction():
                self._connection.terminate()
            raise

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        await self._connection.execute("ROLLBACK")
