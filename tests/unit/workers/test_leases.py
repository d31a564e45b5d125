from datetime import timedelta

import pytest

from app.foundation.db.database import Database
from app.jobs.claim import Lease
from workers.leases import Leases, Stopped, StopReason


async def test_what_is_claimed_while_the_worker_ends_is_not_begun() -> None:
    """A claim is under way when everything is told to stop."""
    leases = Leases(Database("postgresql+asyncpg://nobody@127.0.0.1:1/x"), timedelta(seconds=30))
    leases.stop_all(StopReason.HANDED_BACK)
    late = Lease("tsk_1", "prj_1", "job_1", None, "noop", "light", 1, 1, 60.0, {}, "cor_1", None)
    leases.add(late)
    with pytest.raises(Stopped) as stopped, leases.running(late):
        raise AssertionError("it has begun")
    assert stopped.value.reason is StopReason.HANDED_BACK
