import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.integration.workers.conftest import StartWorker
from workers.scratch import ScratchSpace
from workers.task_broker import loop_thread
from workers.upkeep import sweep

_HOLDER = """
import sys
from pathlib import Path
from workers.task_broker import loop_thread
from workers.scratch import ScratchSpace
space = ScratchSpace(Path(sys.argv[1]))
(space.new_folder("encode") / "half.mp4").write_bytes(b"x" * 1000)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_workers_scratch_is_given_back_and_a_living_ones_is_not(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"ready\n"
    mine = ScratchSpace(tmp_path)
    assert mine.sweep() == 0

    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()

    assert mine.sweep() == 1
    assert len(list(tmp_path.glob("worker-*"))) == 1
    mine.close()
    assert list(tmp_path.iterdir()) == []


async def on_its_loop(work: Coroutine[None, None, None]) -> None:
    """The worker's connections belong to its own event loop."""
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop_thread().loop))


async def test_uploads_that_no_row_speaks_of_are_aborted(start_worker: StartWorker) -> None:
    services = start_worker().services
    await services.store.create_multipart("videos/lost.mp4", part_size=5 * 1024**2)

    await on_its_loop(sweep(services))
    assert [each.key async for each in services.store.list_multiparts("")] == ["videos/lost.mp4"]

    later = partial(sweep, services, clock=lambda: datetime.now(UTC) + timedelta(hours=2))
    await on_its_loop(later())
    assert [each async for each in services.store.list_multiparts("")] == []
