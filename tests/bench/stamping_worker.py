"""A worker whose no-op writes down when it began: its first line, by the clock of the machine.

One line of standard output per task: the monotonic clock in nanoseconds, which on Linux is the
same for all processes, and the task's id. Everything else is as in `workers.main`.
"""

import logging
import os
import signal
import sys
import threading
import time

import structlog

from app.settings import load_settings
from workers.main import SWITCH_SECONDS
from workers.process import WorkerProcess
from workers.registry import ActorSet
from workers.work import Work


async def noop(work: Work) -> None:
    stamp = time.monotonic_ns()
    os.write(1, f"{stamp} {work.lease.id}\n".encode())
    await work.finish()


def main() -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    process = WorkerProcess(load_settings(), ActorSet(noop))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    process.start()
    os.write(1, b"worker.started\n")
    stop.wait()
    process.stop()


if __name__ == "__main__":
    main()
