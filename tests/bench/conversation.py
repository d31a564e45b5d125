"""What a worker says to PostgreSQL: recorded from a real run, and said again over bare asyncpg."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import asyncpg
from sqlalchemy import event

from tests.bench.installation import Installation
from workers.actors import ACTORS
from workers.process import WorkerProcess

Statement = tuple[str, tuple[Any, ...]]
# By these words the two transactions are told from heartbeats and repairs.
_CLAIMS = "SKIP LOCKED"
_FINISHES = "unnest("


@dataclass(frozen=True, slots=True)
class Transaction:
    """Statements with their arguments, from BEGIN to before COMMIT.

    Args:
        rows: How many the last statement gave: of a claim, the tasks.
    """

    statements: Sequence[Statement]
    rows: int

    def mentions(self, words: str) -> bool:
        return any(words in sql for sql, _ in self.statements)

    @property
    def task_ids(self) -> frozenset[str]:
        """Of a success: the tasks that it is about."""
        found: set[str] = set()
        for _, arguments in self.statements:
            for argument in arguments:
                texts = argument if isinstance(argument, list) else [argument]
                found |= {t for t in texts if isinstance(t, str) and t.startswith("tsk_")}
        return frozenset(found)


@dataclass(slots=True)
class Recorder:
    """Listens to every connection of an engine."""

    transactions: list[Transaction] = field(default_factory=list)
    _open: defaultdict[int, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    _rows: dict[int, int] = field(default_factory=dict)

    def attach(self, engine: Any) -> Self:
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "after_cursor_execute", self._on_execute)
        return self

    def _on_connect(self, dbapi_connection: Any, _record: object) -> None:
        driver = dbapi_connection.driver_connection
        # BEGIN, COMMIT and ROLLBACK go past SQLAlchemy's events.
        driver.add_query_logger(lambda query: self._on_query(driver, query))

    def _on_execute(
        self, connection: Any, cursor: Any, sql: str, arguments: Any, *_more: object
    ) -> None:
        driver = connection.connection.dbapi_connection.driver_connection
        self._open[id(driver)].append((sql, tuple(arguments)))
        self._rows[id(driver)] = cursor.rowcount

    def _on_query(self, driver: object, query: Any) -> None:
        # Of the driver's own questions (about types, say) nothing is kept.
        word = query.query.lstrip().upper()
        if word.startswith("BEGIN"):
            self._open[id(driver)].append((query.query, ()))
        elif word.startswith("COMMIT"):
            self._end(driver)
        elif word.startswith("ROLLBACK"):
            self._open.pop(id(driver), None)

    def _end(self, driver: object) -> None:
        if statements := self._open.pop(id(driver), None):
            self.transactions.append(Transaction(tuple(statements), self._rows[id(driver)]))


@dataclass(frozen=True, slots=True)
class Conversation:
    """The claims and the successes of a run, each in their order."""

    claims: Sequence[Transaction]
    finishes: Sequence[Transaction]

    def describe(self) -> str:
        def statements(transactions: Sequence[Transaction]) -> int:
            return max(len(each.statements) for each in transactions)

        tasks = sum(len(each.task_ids) for each in self.finishes)
        return (
            f"{tasks} tasks in {len(self.claims)} claims of {statements(self.claims)} statements "
            f"and {len(self.finishes)} finishing transactions of {statements(self.finishes)}, "
            "with BEGIN and without COMMIT; two connections"
        )


async def record(
    installation: Installation,
    make_ready: Callable[[], Awaitable[None]],
    until_done: Callable[[], Awaitable[object]],
    slots: int,
) -> Conversation:
    """Runs a worker in this process until the tasks are done, and writes down what it says."""
    settings = installation.settings.model_copy(
        update={"worker_light_slots": slots, "worker_encode_slots": 0}
    )
    worker = WorkerProcess(settings, ACTORS)
    recorder = Recorder().attach(worker.services.database.engine.sync_engine)
    worker.start()
    try:
        await make_ready()
        await until_done()
    finally:
        await asyncio.to_thread(worker.stop)
    claims = [each for each in recorder.transactions if each.mentions(_CLAIMS) and each.rows]
    finishes = [each for each in recorder.transactions if each.mentions(_FINISHES)]
    return Conversation(claims, finishes)


class Replay:
    """Has a conversation again, on two connections: one claims, one records successes.

    A success waits until its tasks are claimed, and a claim until it has slots for what it wants:
    so much order lies in the matter, and no more is kept.
    """

    def __init__(self, dsn: str, conversation: Conversation, slots: int) -> None:
        self._dsn = dsn
        self._conversation = conversation
        self._slots = slots
        self._claimed: set[str] = set()
        self._finished = 0
        self._changed = asyncio.Condition()
        self._connections: list[asyncpg.Connection[asyncpg.Record]] = []

    async def connect(self) -> None:
        settings = {"jit": "off"}
        self._connections = [
            await asyncpg.connect(self._dsn, server_settings=settings) for _ in range(2)
        ]

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()

    async def run(self) -> int:
        """Returns how many tasks were finished."""
        self._claimed.clear()
        self._finished = 0
        await asyncio.gather(self._claim(), self._finish())
        return self._finished

    async def _claim(self) -> None:
        for each in self._conversation.claims:
            await self._until(partial(self._has_room_for, each.rows))
            rows = await self._say(self._connections[0], each)
            async with self._changed:
                self._claimed |= {row["id"] for row in rows}
                self._changed.notify_all()

    async def _finish(self) -> None:
        for each in self._conversation.finishes:
            ids = each.task_ids
            await self._until(partial(ids.issubset, self._claimed))
            await self._say(self._connections[1], each)
            async with self._changed:
                self._finished += len(ids)
                self._changed.notify_all()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    def _has_room_for(self, tasks: int) -> bool:
        return len(self._claimed) - self._finished + tasks <= self._slots

    @staticmethod
    async def _say(
        connection: "asyncpg.Connection[asyncpg.Record]", transaction: Transaction
    ) -> list[asyncpg.Record]:
        """The rows of the transaction's last statement."""
        rows: list[asyncpg.Record] = []
        for sql, arguments in transaction.statements:
            if arguments:
                rows = await connection.fetch(sql, *arguments)
            else:
                await connection.execute(sql)
        await connection.execute("COMMIT")
        return rows
