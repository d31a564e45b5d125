import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, update

from app.foundation.db.database import Database
from app.jobs.claim import (
    claim,
    claim_tasks,
    extend,
    hand_back,
    promote_due,
    seconds_to_next_due,
)
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from tests.conftest import add_project
from tests.integration.jobs.conftest import Claim, Load, Submit


def noops(count: int, **options: object) -> list[NewTask]:
    return [NewTask("noop", name=f"n{n}", **options) for n in range(count)]  # type: ignore[arg-type]  # options of NewTask


async def test_a_claim_counts_the_attempt_and_raises_the_fence(
    project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    ids = await submit(project_id, NewTask("noop", args={"n": 1}))

    [lease] = await take()

    assert lease.id == ids["noop"]
    assert (lease.attempt, lease.fence, lease.args) == (1, 1, {"n": 1})
    task = await load(project_id, lease.id)
    assert task.state is TaskState.LEASED
    assert task.lease_until is not None
    assert task.lease_until > datetime.now(UTC)
    assert await take() == []


async def test_the_urgent_goes_first_then_the_old(
    project_id: str, submit: Submit, take: Claim
) -> None:
    ids = await submit(
        project_id,
        NewTask("noop", name="old"),
        NewTask("noop", name="new"),
        NewTask("noop", name="urgent", priority=90),
    )
    order = [(await take(1))[0].id for _ in range(3)]
    assert order == [ids["urgent"], ids["old"], ids["new"]]


async def test_a_project_with_many_tasks_does_not_starve_another(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, *noops(50, priority=99))
    other = await add_project(database)
    await submit(other, *noops(2, priority=1))

    first = await take(4)

    assert sorted(lease.project_id for lease in first) == sorted([project_id, other] * 2)


async def test_what_a_project_has_running_counts_against_it(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, *noops(10))
    await take(5)
    other = await add_project(database)
    await submit(other, *noops(3))

    assert {lease.project_id for lease in await take(3)} == {other}


async def test_claims_at_once_never_share_a_task_and_leave_none(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, *noops(60))

    async def drain(worker: str) -> list[str]:
        taken: list[str] = []
        while leases := await take(4, worker=worker):
            taken += [lease.id for lease in leases]
        return taken

    taken = await asyncio.gather(*(drain(f"w{n}") for n in range(5)))
    everything = [task_id for each in taken for task_id in each]
    assert len(everything) == len(set(everything)) == 60


async def test_a_claim_passes_over_what_another_transaction_holds_locked(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, *noops(6))
    async with database.dispatch() as other:
        mine = await claim(other, "light", limit=3, worker="a", lease=timedelta(seconds=30))
        theirs = await take(3)
        assert len(mine) == len(theirs) == 3
        assert not {lease.id for lease in mine} & {lease.id for lease in theirs}


async def test_a_queue_that_rings_with_an_id_claims_that_task_once(
    database: Database, project_id: str, submit: Submit
) -> None:
    ids = await submit(project_id, NewTask("noop"))
    async with database.dispatch() as tx:
        first = await claim_tasks(tx, [ids["noop"]], worker="w", lease=timedelta(seconds=30))
    async with database.dispatch() as tx:
        again = await claim_tasks(tx, [ids["noop"]], worker="w", lease=timedelta(seconds=30))
    assert [lease.id for lease in first] == [ids["noop"]]
    assert again == []


async def test_a_heartbeat_extends_what_is_held_and_tells_what_is_not(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    await submit(project_id, *noops(2))
    held, lost = await take(2, seconds=1)
    async with database.dispatch() as tx:
        beat = await extend(
            tx, [(held.id, held.fence), (lost.id, lost.fence + 1)], lease=timedelta(hours=1)
        )
    assert beat.held == {held.id}
    until = (await load(project_id, held.id)).lease_until
    assert until is not None
    assert until > datetime.now(UTC) + timedelta(minutes=59)


async def test_handing_back_does_not_count_as_an_attempt(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()
    async with database.dispatch() as tx:
        assert await hand_back(tx, [(lease.id, lease.fence)]) == ["light"]
    task = await load(project_id, lease.id)
    assert (task.state, task.attempt, task.lease_until) == (TaskState.READY, 0, None)
    [again] = await take()
    assert (again.attempt, again.fence) == (1, 2)


async def test_a_delayed_task_waits_for_its_moment_however_far(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    ids = await submit(
        project_id,
        NewTask("noop", name="soon", delay=timedelta(hours=1)),
        NewTask("noop", name="late", delay=timedelta(days=400)),
    )
    async with database.dispatch() as tx:
        assert await promote_due(tx) == []
        until = await seconds_to_next_due(tx)
    assert until is not None
    assert 3500 < until <= 3600
    assert await take() == []

    async with database.dispatch() as tx:
        await tx.execute(
            update(Task).where(Task.id == ids["soon"]).values(run_at=func.clock_timestamp())
        )
    async with database.dispatch() as tx:
        assert await promote_due(tx) == ["light"]
    assert [lease.id for lease in await take()] == [ids["soon"]]
    assert (await load(project_id, ids["late"])).state is TaskState.PENDING
