"""The broker with its middleware, in the order in which a message passes it."""

import asyncio
from functools import partial

from dramatiq.middleware import AsyncIO, Middleware

from app.foundation.sqs import Sqs
from app.jobs.catalog import ENCODE, LIGHT
from app.jobs.queue_names import bands_of
from app.jobs.queues import create_queues, make_sqs
from app.settings import Settings
from workers.middleware.attempt import CurrentWork, Failures
from workers.middleware.runtime import BackgroundTasks
from workers.middleware.telemetry import Telemetry
from workers.postgres_broker import PostgresBroker
from workers.registry import ActorSet
from workers.services import Services
from workers.sqs_broker import SqsBroker
from workers.status import CheckQueue
from workers.task_broker import TaskBroker
from workers.upkeep import upkeep_of
from workers.wake_relay import THREADS

# Of one queue: three long polls, one that asks at once; and what deletes and hides.
_CONNECTIONS = 4 * 2 + 2 + THREADS


def make_broker(services: Services, actors: ActorSet) -> TaskBroker:
    """A broker that serves the queues this worker has slots for."""
    settings = services.settings
    slots = {ENCODE: settings.worker_encode_slots, LIGHT: settings.worker_light_slots}
    queues = [queue for queue, count in slots.items() if count]
    sqs = open_sqs(settings)
    upkeep = upkeep_of(services, sqs)
    broker: TaskBroker
    if sqs is None:
        broker = PostgresBroker(
            services.database, services.leases, slots=slots, worker=services.worker
        )
    else:
        broker = SqsBroker(
            services.database,
            services.leases,
            sqs,
            slots=slots,
            worker=services.worker,
            prefix=settings.sqs_queue_prefix,
            wait_seconds=settings.sqs_wait_seconds,
        )

    async def close() -> None:
        await upkeep.close()
        if sqs is not None:
            await asyncio.to_thread(broker.close)
            sqs.close()
        await services.database.close()
        services.scratch.close()

    middleware: list[Middleware] = [
        AsyncIO(),  # the event loop that everything below uses
        BackgroundTasks(
            [
                services.leases.beat_forever,
                broker.listen_forever,
                *(upkeep.tasks if settings.worker_upkeep else ()),
            ],
            close=close,
        ),
        CurrentWork(services),
        Telemetry(services),
        # Last in, first out: it records the failure before the folder and the span are gone.
        Failures(),
    ]
    for each in middleware:
        broker.add_middleware(each)
    actors.declare(broker, queues)
    return broker


def open_sqs(settings: Settings) -> Sqs | None:
    """SQS where it is the queue; in development with the queues that are missing."""
    if settings.queue != "sqs":
        return None
    sqs = make_sqs(settings, connections=_CONNECTIONS)
    if settings.sqs_create_queues:
        create_queues(sqs, settings)
    return sqs


def queue_check(settings: Settings, sqs: Sqs | None) -> CheckQueue | None:
    """Asks for the attributes of one queue that this worker serves, which costs least."""
    if sqs is None:
        return None
    queue = LIGHT if settings.worker_light_slots else ENCODE
    return partial(sqs.depth, bands_of(settings.sqs_queue_prefix, queue)[0])
