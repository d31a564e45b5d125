"""Actors, by the kinds of tasks that they carry out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import dramatiq

from app.jobs.catalog import KINDS
from workers.work import Work, current_work

ActorFunction = Callable[[Work], Awaitable[None]]


class ActorSet:
    """Collects actor functions, so that importing one builds no broker.

    A function is called with the Work of one attempt, on the event loop. It ends by calling
    `work.finish`, in which its effects and the task's success are one transaction; if it returns
    without, the task succeeds without effects. What it raises becomes a failure (see `failures`).
    """

    def __init__(self) -> None:
        self._functions: dict[str, ActorFunction] = {}

    def __call__(self, kind: str) -> Callable[[ActorFunction], ActorFunction]:
        if kind not in KINDS:
            raise ValueError(f"{kind} is not in the catalogue of tasks")

        def register(function: ActorFunction) -> ActorFunction:
            self._functions[kind] = function
            return function

        return register

    def declare(self, broker: dramatiq.Broker, queues: Sequence[str]) -> None:
        """Declares the actors of these queues."""
        for kind, function in self._functions.items():
            queue = KINDS[kind].queue
            if queue in queues:
                dramatiq.actor(
                    _under_lease(function), actor_name=kind, queue_name=queue, broker=broker
                )


def _under_lease(function: ActorFunction) -> Callable[[str], Awaitable[None]]:
    async def run(task_id: str) -> None:
        work = current_work.get()
        if work.lease.id != task_id:
            raise RuntimeError(f"the message is for {task_id}, the lease for {work.lease.id}")
        with work.services.leases.running(work.lease):
            async with asyncio.timeout(work.lease.timeout_seconds):
                await function(work)
                if not work.finished:
                    await work.finish()

    return run
