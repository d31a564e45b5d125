"""Poison among tasks: quarantined within three receives, and what it costs the others: R8.

`--pairs 7 --messages 2000 -s` measures; the run of every day only shows that all of it ends well.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY

from app.jobs.service import NewTask
from tests.integration.workers.conftest import StartWorker, Submit, Until
from tests.integration.workers.sqs_side import SqsSide
from workers.work import Work

# One in twenty, in equal parts.
_POISON = {
    "not_json": "{",
    "not_an_object": "[1]",
    "no_task_id": json.dumps({"kind": "noop"}),
    "unknown_kind": json.dumps({"task_id": "tsk_1", "kind": "dance"}),
}
_TASKS_PER_POISON = 20
_BLOCK = _TASKS_PER_POISON * len(_POISON)
_GOAL = 0.95


@dataclass(frozen=True, slots=True)
class Pace:
    """Tasks, from the first that is submitted to the last that ran.

    Args:
        a_cpu_second: Of this process, relay, worker and sender; others' work does not disturb it.
    """

    a_second: float
    a_cpu_second: float

    def __str__(self) -> str:
        return f"{self.a_second:.0f}/s, {self.a_cpu_second:.0f}/CPU s"


def median_kept(found: Sequence[tuple[Pace, Pace]]) -> float:
    """What of the rate is left with poison, by the CPU; says it by the clock, too."""
    by_clock = [poison.a_second / none.a_second for poison, none in found]
    by_cpu = [poison.a_cpu_second / none.a_cpu_second for poison, none in found]
    for name, ratios in (("clock", by_clock), ("CPU", by_cpu)):
        median = statistics.median(ratios)
        print(f"R8 by the {name}: {median:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    return statistics.median(by_cpu)


@pytest.mark.timeout(1500)
async def test_poison_is_quarantined_and_the_others_keep_their_rate(
    sqs_side: SqsSide,
    start_sqs_worker: StartWorker,
    submit: Submit,
    until: Until,
    pytestconfig: pytest.Config,
) -> None:
    pairs: int = pytestconfig.getoption("--pairs")
    blocks = pytestconfig.getoption("--messages") // _BLOCK
    ran: list[str] = []

    async def noop(work: Work) -> None:
        ran.append(work.lease.id)

    start_sqs_worker(noop, worker_light_slots=8)

    async def run(*, poison: bool) -> Pace:
        ran.clear()
        began, worked = time.perf_counter(), time.process_time()
        for _ in range(blocks):
            await submit(*(NewTask("noop", name=f"n{n}") for n in range(_BLOCK)))
            if poison:
                await asyncio.to_thread(sqs_side.send, *_POISON.values())
        await until(lambda: len(ran) == blocks * _BLOCK, 120)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
        return Pace(len(ran) / seconds, len(ran) / cpu_seconds)

    async def without() -> Pace:
        return await run(poison=False)

    poisoned = 0

    async def with_poison() -> Pace:
        nonlocal poisoned
        found = await run(poison=True)
        poisoned += blocks
        await until(lambda: sqs_side.total(dead=True) == poisoned * len(_POISON), 60)
        return found

    await without()  # connections and caches
    found: list[tuple[Pace, Pace]] = []
    sides: list[Callable[[], Awaitable[Pace]]] = [without, with_poison]
    for _ in range(pairs):
        paces = {side: await side() for side in sides}
        sides.reverse()
        found.append((paces[with_poison], paces[without]))
        print(f"R8: without {paces[without]}, with poison {paces[with_poison]}")
    kept = median_kept(found)
    await until(lambda: sqs_side.total() == 0)
    for reason in _POISON:
        labels = {"queue": sqs_side.name(), "reason": reason}
        assert REGISTRY.get_sample_value("spool_poison_messages_total", labels) == 3 * poisoned
    if pairs > 1:
        assert kept >= _GOAL
