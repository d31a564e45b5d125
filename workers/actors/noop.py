"""A task that does nothing, to measure the way there and back."""

from workers.work import Work


async def noop(work: Work) -> None:
    await work.finish()
