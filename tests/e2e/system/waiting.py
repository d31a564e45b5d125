"""Conditions that several tests wait for."""

from collections.abc import Awaitable, Callable

from tests.e2e.system.stack import Stack, until


async def encoding(stack: Stack, asset_id: str) -> None:
    """Waits until FFmpeg is at the encode."""

    async def is_encoding() -> bool:
        leased = await stack.count(
            "tasks WHERE asset_id = $1 AND kind = 'encode' AND state = 'leased'", asset_id
        )
        return leased == 1 and bool(stack.media_processes())

    await until(is_encoding, "the encode runs")


def no_media_process(stack: Stack) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return not stack.media_processes()

    return look
