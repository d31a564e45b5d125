"""A worker that freezes, one that is told to go, and a database that takes nobody in."""

import asyncio
import random
import signal
from pathlib import Path

from app.local.postgres_cluster import LOGIN
from tests.e2e.system.client import Client
from tests.e2e.system.evidence import (
    assert_store_is_clean,
    settled,
    watch,
)
from tests.e2e.system.stack import LEASE_SECONDS, WORKER, Stack, until
from tests.e2e.system.waiting import encoding, no_media_process

OTHER = "other"
_ENCODE = (
    "SELECT state, attempt, fence, leased_by FROM tasks WHERE asset_id = $1 AND kind = 'encode'"
)
_HELD = "SELECT id FROM tasks WHERE asset_id = $1 AND state = 'leased'"
_OVERDUE = "tasks WHERE kind = 'encode' AND lease_until < clock_timestamp()"


async def test_a_frozen_worker_changes_nothing_when_it_wakes(
    stack: Stack, client: Client, long: Path, seed: int
) -> None:
    asset_id = await client.upload(long)
    await encoding(stack, asset_id)
    # At any moment from there to the end; nothing is waited for.
    await asyncio.sleep(random.Random(seed).uniform(0, 1.5))  # noqa: S311  # for a moment
    stack.signal(WORKER, signal.SIGSTOP)
    held = await stack.rows(_HELD, asset_id)
    stack.start(OTHER)
    await client.becomes_ready(asset_id)
    await settled(stack)
    before = await everything_about(stack, asset_id)
    for (task_id,) in held:
        [again] = await stack.rows("SELECT * FROM tasks WHERE id = $1", task_id)
        assert (again["state"], again["attempt"], again["fence"]) == ("succeeded", 2, 2)
    stack.signal(WORKER, signal.SIGCONT)
    await until(no_media_process(stack), "the first worker's FFmpeg ends")

    async def has_given_up() -> bool:
        scratch = stack.folder / "scratch"
        return not [path for path in scratch.glob("worker-*/*") if path.name != "lock"]

    await until(has_given_up, "the first worker lets go")
    rows, objects = await everything_about(stack, asset_id)
    assert rows == before[0]
    assert objects == before[1]
    assert await watch(client, await client.asset(asset_id)) > 4
    await assert_store_is_clean(stack)


async def test_a_worker_that_froze_with_the_reconcilers_lock_stops_no_repair(
    stack: Stack, client: Client, long: Path
) -> None:
    asset_id = await client.upload(long)
    await encoding(stack, asset_id)

    async def frozen_in_a_round() -> bool:
        stack.signal(WORKER, signal.SIGSTOP)
        if await stack.count("pg_locks WHERE locktype = 'advisory'"):
            return True
        stack.signal(WORKER, signal.SIGCONT)
        return False

    await until(frozen_in_a_round, "the worker holds the lock", every=0.01)
    stack.start(OTHER)
    await client.becomes_ready(asset_id, 30)
    stack.signal(WORKER, signal.SIGCONT)
    await until(no_media_process(stack), "the first worker's FFmpeg ends")
    await settled(stack)


async def everything_about(stack: Stack, asset_id: str) -> tuple[object, object]:
    """All rows of the database and all objects of the asset."""
    rows = {
        table: [dict(row) for row in await stack.rows(f"SELECT * FROM {table} ORDER BY id")]
        for table in ("assets", "jobs", "tasks", "renditions", "images", "events")
    }
    objects = {found.key: found.etag async for found in stack.store.list("")}
    return rows, {key: etag for key, etag in objects.items() if asset_id in key}


async def test_a_worker_that_is_told_to_go_hands_its_work_to_another(
    stack: Stack, client: Client, longer: Path
) -> None:
    asset_id = await client.upload(longer)
    await encoding(stack, asset_id)
    stack.start(OTHER)
    await stack.ready(OTHER)
    [before] = await stack.rows(_ENCODE, asset_id)
    stack.signal(WORKER, signal.SIGTERM)

    async def other_has_it() -> bool:
        [now] = await stack.rows(_ENCODE, asset_id)
        return bool(now["fence"] > before["fence"]) and now["leased_by"] != before["leased_by"]

    # Less than the grace of a second, what FFmpeg takes to stop, and the other's claim.
    await until(other_has_it, "the other worker has the encode", 5)
    await client.becomes_ready(asset_id)
    [encode] = await stack.rows(_ENCODE, asset_id)
    # As if the first had never tried.
    assert encode["attempt"] == 1

    async def gone() -> bool:
        return stack.pid(WORKER) is None

    await until(gone, "the worker ends")
    await settled(stack)
    await assert_store_is_clean(stack)


async def test_a_database_that_refuses_connections_for_a_while(
    stack: Stack, client: Client, long: Path, small: Path
) -> None:
    asset_id = await client.upload(long)
    await encoding(stack, asset_id)
    await stack.rows(f"ALTER ROLE {LOGIN} CONNECTION LIMIT 0")
    try:
        await stack.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", LOGIN
        )
        answer = await client.http.get(f"/v1/assets/{asset_id}")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"

        async def lease_is_over() -> bool:
            return await stack.count(_OVERDUE) == 1

        await until(lease_is_over, "the lease runs out", 3 * LEASE_SECONDS)
    finally:
        await stack.rows(f"ALTER ROLE {LOGIN} CONNECTION LIMIT -1")
    await client.becomes_ready(asset_id)
    # Its doorbell, heartbeat and reconciler still work.
    again = await client.upload(small)
    await client.becomes_ready(again, 15)
    await settled(stack)
    assert "background_task.ended" not in (stack.folder / f"{WORKER}.log").read_text()
