"""kill -9 at a relay: what it had sent comes again under the same id, and nothing is lost."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.foundation.db.database import Database
from app.notifications.models import OutboxRow
from app.settings import Settings
from tests.integration.events.conftest import Subscribed
from tests.integration.events.test_relay import happen

ROOT = Path(__file__).parents[3]
EVENTS = 400
KILLS = 4
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(settings: Settings, moto_url: str, heard: Subscribed) -> Iterator[Start]:
    """Starts a relay; returns when it runs."""
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {
        "SPOOL_DATABASE_URL": settings.database_url.get_secret_value(),
        "SPOOL_SIGNING_KEYS": json.dumps({"test": "x" * 32}),
        "SPOOL_SIGNING_KEY_ID": "test",
        "SPOOL_STORE_ROOT": str(settings.store_root),
        "SPOOL_SNS_ENDPOINT_URL": moto_url,
        "SPOOL_SNS_API_TOPIC_ARN": heard.topic_arn,
    }

    def start(how: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.events.relaying", how],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert next_line(process) == "running"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


async def open_rows(database: Database, project_id: str) -> int:
    async with database.project(project_id) as tx:
        waiting = select(func.count()).where(OutboxRow.done_at.is_(None))
        return await tx.scalar(waiting) or 0


async def all_left(database: Database, project_id: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while await open_rows(database, project_id):
        assert time.monotonic() < deadline, "it does not leave"
        await asyncio.sleep(0.05)


async def test_between_sending_and_marking(
    api_database: Database, project_id: str, start: Start, heard: Subscribed
) -> None:
    ids = await happen(api_database, project_id, "asset.created", "asset.ready")
    first = start("hang")
    assert await asyncio.to_thread(next_line, first) == "sent"
    first.kill()
    first.wait()
    assert await open_rows(api_database, project_id) == 2

    start("run")
    await all_left(api_database, project_id)

    assert Counter(event["id"] for event in heard.events()) == dict.fromkeys(ids, 2)


@pytest.mark.slow
async def test_at_any_moment(
    api_database: Database, project_id: str, start: Start, heard: Subscribed
) -> None:
    ids: list[str] = []
    for _ in range(KILLS):
        ids += await happen(api_database, project_id, *["asset.updated"] * (EVENTS // KILLS))
        relay = start("run")
        # A moment at random is what is tested; nothing is waited for.
        await asyncio.sleep(random.uniform(0, 0.4))  # noqa: S311  # for a moment
        relay.kill()
        relay.wait()
    start("run")
    await all_left(api_database, project_id)

    came = Counter(event["id"] for event in heard.events())
    assert came.keys() == set(ids)
    print(f"{len(ids)} events, {KILLS} kills, {came.total() - len(ids)} came more than once")
