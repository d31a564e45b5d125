"""Blocking work in threads, which a cancellation cannot stop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_its_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread`, but `at_its_end`."""
    return await at_its_end(asyncio.to_thread(work, *args, **kwargs))


async def at_its_end(work: Awaitable[T]) -> T:
    """The result of work in a thread; who is cancelled hears of it only when the thread is done.

    So whoever cleans up after a cancelled writer finds all that it wrote.
    """
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            # Retrieved, so that nobody is told of an exception that was never looked at.
            running.exception()
        raise
