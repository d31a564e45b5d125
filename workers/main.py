"""`python -m workers.main` runs a worker until SIGTERM or SIGINT.

Then it hands its work back: nothing new is claimed, short work gets a moment to end, FFmpeg is
stopped, and the tasks are ready for another worker before the process exits.
"""

import gc
import signal
import sys
import threading
import time

import structlog

from app.foundation.telemetry.logging import configure_logging
from app.foundation.telemetry.tracing import configure_tracing, flush_tracing
from app.settings import load_settings
from workers.actors import ACTORS
from workers.process import WorkerProcess
from workers.status import StatusServer

log = structlog.get_logger(__name__)

# Claims and endings hop between threads; the default of 5 ms makes each hop wait for a busy one.
SWITCH_SECONDS = 0.0005


def main() -> None:
    began = time.perf_counter()
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = load_settings()
    configure_logging(settings, service="spool-worker")
    configure_tracing(settings, "spool-worker")
    process = WorkerProcess(settings, ACTORS)
    # All of it stays: the collector need not look through it again and again.
    gc.freeze()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    process.start()
    if settings.worker_metrics_port is not None:
        StatusServer(
            settings.host,
            settings.worker_metrics_port,
            process.services,
            check_queue=process.check_queue,
        )
    log.info(
        "worker.started",
        worker=process.services.worker,
        ffmpeg=str(process.services.ffmpeg.path),
        seconds=round(time.perf_counter() - began, 3),
    )
    stop.wait()
    log.info("worker.stopping", leases=len(process.services.leases))
    process.stop()
    flush_tracing()
    log.info("worker.stopped")


if __name__ == "__main__":
    main()
