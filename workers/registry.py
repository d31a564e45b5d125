"""Actors, by the kinds of tasks that they carry out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import dramatiq

from app.jobs.catalog import KINDS
from workers.work import Work, current_work


class ActorFunction(Protocol):
    """One step of work; its name is the kind of task that it carries out.

    It is called with the Work of one attempt, on the event loop. It ends by calling `work.finish`,
    in which its effects and the task's success are one transaction; if it returns without, the
    task succeeds without effects. What it raises becomes a failure (see `failures`).
    """

    __name__: str

    def __call__(self, work: Work) -> Awaitable[None]: ...


class ActorSet:
    """Actor functions, kept apart from any broker until `declare` is told one."""

    def __init__(self, *functions: ActorFunction) -> None:
        self._functions = {function.__name__: function for function in functions}
        if unknown := self._functions.keys() - KINDS.keys():
            raise ValueError(f"not in the catalogue of tasks: {', '.join(sorted(unknown))}")

    def declare(self, broker: dramatiq.Broker, queues: Sequence[str]) -> None:
        """Declares the actors of these queues."""
        for kind, function in self._functions.items():
            queue = KINDS[kind].queue
            if queue in queues:
                declare = dramatiq.actor(actor_name=kind, queue_name=queue, broker=broker)
                declare(_under_lease(function))


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
