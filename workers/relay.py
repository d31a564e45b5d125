"""`python -m workers.relay` runs the upkeep and no work, until SIGTERM or SIGINT.

Where workers come and go with the queue, down to none, somebody has to send the first message.
"""

import asyncio
import signal

import structlog

from app.foundation.telemetry.logging import configure_logging
from app.foundation.telemetry.tracing import configure_tracing, flush_tracing
from app.settings import Settings, load_settings
from workers.broker import open_sqs, queue_check
from workers.process import make_services
from workers.status import StatusServer
from workers.upkeep import upkeep_of

log = structlog.get_logger(__name__)


def main() -> None:
    settings = load_settings()
    configure_logging(settings, service="spool-relay")
    configure_tracing(settings, "spool-relay")
    try:
        asyncio.run(run(settings))
    finally:
        flush_tracing()


async def run(settings: Settings) -> None:
    services = make_services(settings)
    sqs = open_sqs(settings)
    upkeep = upkeep_of(services, sqs)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.ensure_future(forever()) for forever in upkeep.tasks]
    if settings.worker_metrics_port is not None:
        StatusServer(
            settings.host,
            settings.worker_metrics_port,
            services,
            loop=loop,
            check_queue=queue_check(settings, sqs),
        )
    log.info("relay.started", queue=settings.queue)
    stopping = asyncio.ensure_future(stop.wait())
    # None of them ends by itself: if one does, the process ends with it, and is started anew.
    await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *running):
        task.cancel()
    ended = await asyncio.gather(stopping, *running, return_exceptions=True)
    await upkeep.close()
    if sqs is not None:
        sqs.close()
    await services.database.close()
    services.store.close()
    services.scratch.close()
    log.info("relay.stopped")
    for error in ended:
        if isinstance(error, Exception):
            raise error


if __name__ == "__main__":
    main()
