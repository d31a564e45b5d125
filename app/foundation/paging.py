"""Pages by keyset: where to go on is a place in an index, not a number of rows to skip.

A cursor is the sort key of the last row of a page. It is opaque to clients, carries no right
(row-level security decides what is seen) and is checked in full when it comes back.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.errors import Invalid

T = TypeVar("T")
LIMIT_DEFAULT = 50
LIMIT_MAX = 200

Value = str | int | float | datetime


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    items: list[T]
    next_cursor: Annotated[
        str | None,
        msgspec.Meta(description="Pass as `cursor` to get the next page; null on the last one."),
    ]


def encode_cursor(order: str, values: Sequence[Value]) -> str:
    """The cursor after a row with these sort values.

    Args:
        order: What was asked for: sort and filters. The cursor is valid for the same only.
        values: The row's sort key, most significant first, ending with its id.
    """
    packed = msgspec.msgpack.encode((_digest(order), *values))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: str, types: Sequence[type[Value]]) -> tuple[Any, ...]:
    """The sort values of `encode_cursor`.

    Raises:
        Invalid: `cursor_invalid`: damaged, made up, or made for another sort or filter.
    """
    shape = tuple[(bytes, *types)]  # type: ignore[valid-type]  # built for this very call
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, *values = msgspec.msgpack.decode(packed, type=shape)
    except ValueError as error:  # binascii's and msgspec's errors are ValueErrors
        raise _invalid() from error
    if digest != _digest(order):
        raise _invalid()
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise _invalid()
    return tuple(values)


async def fetch_page(
    tx: AsyncSession,
    statement: Select[T],
    *,
    keys: Sequence[tuple[Any, type[Value]]],
    limit: int,
    cursor: str | None,
    order: str,
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """One page of a select of one entity, and the cursor of the next. See `fetch_rows`."""
    rows, following = await fetch_rows(
        tx, statement, keys=keys, limit=limit, cursor=cursor, order=order, descending=descending
    )
    return [row[0] for row in rows], following


async def fetch_rows(
    tx: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    *,
    keys: Sequence[tuple[Any, type[Value]]],
    limit: int,
    cursor: str | None,
    order: str,
    descending: bool = False,
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page of a select, and the cursor of the next.

    Args:
        statement: Filtered, not sorted.
        keys: Sort columns, none of them NULL, with their Python types; the last one unique. One
            row comparison is made of them, which an index over the same columns answers.
        limit: Rows, 1 to `LIMIT_MAX`.
        order: See `encode_cursor`; sort and filters as text.
        descending: The direction of all keys.

    Raises:
        Invalid: `cursor_invalid`.

    Returns:
        Rows of what was selected, followed by the keys.
    """
    columns: list[ColumnElement[Any]] = [column for column, _ in keys]
    statement = statement.order_by(*(c.desc() if descending else c.asc() for c in columns))
    if cursor is not None:
        place = decode_cursor(cursor, order, [kind for _, kind in keys])
        row = tuple_(*columns)
        statement = statement.where(row < place if descending else row > place)
    # One row more tells whether there is a next page.
    found = (await tx.execute(statement.add_columns(*columns).limit(limit + 1))).all()
    rows = found[:limit]
    if len(found) <= limit:
        return rows, None
    return rows, encode_cursor(order, list(rows[-1][-len(columns) :]))


def _digest(order: str) -> bytes:
    return hashlib.blake2b(order.encode(), digest_size=6).digest()


def _invalid() -> Invalid:
    return Invalid(
        "cursor_invalid",
        "Use next_cursor of the page before, with the same sort and filters.",
        extra={"parameter": "cursor"},
    )
