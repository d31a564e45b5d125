"""One span per transaction, within what is being traced.

A span per statement would tell more and cost more than many of our statements. So a transaction is
one client span that names its statements (OpenTelemetry's conventions for databases call that
`db.query.summary`), and only where a span that is recorded is around it: loops that look for work
leave none.
"""

import re
from functools import lru_cache
from typing import Any, Self

from opentelemetry import trace
from opentelemetry.semconv.attributes import db_attributes, error_attributes, server_attributes
from opentelemetry.util.types import AttributeValue
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

_tracer = trace.get_tracer("spool.db")
_NOTES = "spool_statements"
_STATEMENT = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM)\s+([a-z_][a-z0-9_.]*)?")
# The conventions' limit of a summary.
_SUMMARY_CHARACTERS = 255
ROLE = "spool.db.role"
STATEMENTS = "spool.db.statements"


class TransactionSpan:
    """Around a transaction; does nothing where nothing is recorded.

    Args:
        role: The role that the transaction takes.
    """

    __slots__ = ("_connection", "_notes", "_role", "_span")

    def __init__(self, role: str) -> None:
        self._role = role
        self._span: trace.Span | None = None
        self._connection: Connection | None = None
        self._notes: list[str] = []

    def __enter__(self) -> Self:
        if trace.get_current_span().is_recording():
            # Not made the current one: what is sent within (tasks, events) follows from the work
            # and not from the transaction that notes it.
            self._span = _tracer.start_span("transaction", kind=trace.SpanKind.CLIENT)
        return self

    def follow(self, connection: AsyncConnection) -> None:
        """The connection on which the transaction runs."""
        if self._span is None or connection.sync_connection is None:
            return
        self._connection = connection.sync_connection
        _listen(self._connection.engine)
        self._connection.info[_NOTES] = self._notes

    def leave(self) -> None:
        """The connection goes back to the pool."""
        if self._connection is not None:
            self._connection.info.pop(_NOTES, None)

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        span = self._span
        if span is None:
            return
        about: dict[str, AttributeValue] = {
            db_attributes.DB_SYSTEM_NAME: "postgresql",
            ROLE: self._role,
            STATEMENTS: len(self._notes),
        }
        if summary := _summary(self._notes):
            span.update_name(summary)
            about[db_attributes.DB_QUERY_SUMMARY] = summary
        if self._connection is not None:
            url = self._connection.engine.url
            about[db_attributes.DB_NAMESPACE] = url.database or ""
            about[server_attributes.SERVER_ADDRESS] = url.host or ""
            about[server_attributes.SERVER_PORT] = url.port or 5432
        if error is not None:
            about["spool.db.rolled_back"] = True
        if isinstance(error, DBAPIError):
            about[error_attributes.ERROR_TYPE] = type(error).__name__
            if state := getattr(error.orig, "sqlstate", None):
                about[db_attributes.DB_RESPONSE_STATUS_CODE] = state
            span.set_status(trace.StatusCode.ERROR)
        span.set_attributes(about)
        span.end()


def _listen(engine: Engine) -> None:
    # Not before the first span: who records nothing pays nothing for each statement. Events of the
    # dialect, because those of the engine cost each statement several times as much.
    if not event.contains(engine, "do_execute", _note):
        event.listen(engine, "do_execute", _note)
        event.listen(engine, "do_executemany", _note)


def _note(_cursor: object, statement: str, _parameters: object, context: Any) -> None:
    notes = context.root_connection.info.get(_NOTES)
    if notes is not None:
        notes.append(_said(statement))


@lru_cache(maxsize=1024)
def _said(statement: str) -> str:
    """A statement in two words: what it does, and with which table first."""
    found = _STATEMENT.findall(statement)
    if not found:
        return statement.split(maxsplit=1)[0].upper()[:32]
    operation = next((word for word, _ in found if word != "FROM"), "SELECT")
    # A SELECT names columns first, and its tables behind FROM.
    wanted = "FROM" if operation == "SELECT" else operation
    table = next((name for word, name in found if word == wanted and name), "")
    return f"{operation.split()[0]} {table}".rstrip()


def _summary(notes: list[str]) -> str:
    distinct = list(dict.fromkeys(notes))
    text = ", ".join(distinct)
    return text if len(text) <= _SUMMARY_CHARACTERS else text[: _SUMMARY_CHARACTERS - 1] + "…"
