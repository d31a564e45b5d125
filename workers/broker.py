"""The broker with its middleware, in the order in which a message passes it."""

from functools import partial

from dramatiq.middleware import AsyncIO, Middleware

from app.jobs.catalog import ENCODE, LIGHT
from app.jobs.reconciler import Reconciler
from workers.middleware.attempt import CurrentWork, Failures
from workers.middleware.runtime import BackgroundTasks
from workers.middleware.telemetry import Telemetry
from workers.outbox_relay import OutboxRelay
from workers.postgres_broker import PostgresBroker
from workers.registry import ActorSet
from workers.services import Services
from workers.upkeep import sweep_forever


def make_broker(
    services: Services, reconciler: Reconciler, relay: OutboxRelay, actors: ActorSet
) -> PostgresBroker:
    """A broker that serves the queues this worker has slots for."""
    settings = services.settings
    slots = {ENCODE: settings.worker_encode_slots, LIGHT: settings.worker_light_slots}
    queues = [queue for queue, count in slots.items() if count]
    broker = PostgresBroker(
        services.database, services.leases, slots=slots, worker=services.worker, middleware=[]
    )

    async def close() -> None:
        await relay.close()
        await services.database.close()
        services.scratch.close()

    middleware: list[Middleware] = [
        AsyncIO(),  # the event loop that everything below uses
        BackgroundTasks(
            [
                services.leases.beat_forever,
                broker.listen_forever,
                reconciler.run_forever,
                relay.run_forever,
                partial(sweep_forever, services),
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
