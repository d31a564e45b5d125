"""The intake's composition root: its event loop, from start to stop."""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from datetime import timedelta

import structlog

import app.tables  # noqa: F401  # makes the foreign keys' other ends known
from app.accounts.service import get_project
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.foundation.errors import NotFound
from app.foundation.storage.protocols import Store
from app.foundation.telemetry.logging import configure_logging
from app.foundation.telemetry.tracing import configure_tracing, flush_tracing
from app.intake.shards import Group
from app.intake.streams import stream_policy
from app.notifications.models import Origin
from app.seams import make_outlets, make_store
from app.settings import Settings, load_settings
from app.uploads.policy import UploadPolicy
from workers.intake.bucket_events import BucketEvents
from workers.intake.consumer import Consumer
from workers.intake.kinesis import DataStream
from workers.intake.services import StreamServices
from workers.status import StatusServer

log = structlog.get_logger(__name__)

SERVICE = "spool-intake"


@dataclass(frozen=True, slots=True)
class _Seams:
    database: Database
    store: Store


class NothingToDo(Exception):
    """What is configured cannot be run; the message says what to set."""


def main() -> None:
    settings = load_settings()
    configure_logging(settings, service=SERVICE)
    configure_tracing(settings, SERVICE)
    try:
        asyncio.run(run(settings))
    except NothingToDo as error:
        log.critical("intake.cannot_start", why=str(error))
        sys.exit(2)


async def run(settings: Settings) -> None:
    """Runs what is configured until a signal comes.

    Raises:
        NothingToDo: as it says.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not settings.kinesis_stream and not settings.bucket_events_queue_url:
        raise NothingToDo("Set SPOOL_KINESIS_STREAM, SPOOL_BUCKET_EVENTS_QUEUE_URL, or both.")
    database = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=SERVICE,
        idle_seconds=settings.lease_seconds,
        info=make_outlets(settings, Origin.WORKER).info,
    )
    store = make_store(settings)
    status = None
    try:
        runs = []
        if settings.kinesis_stream:
            runs.append(Consumer(await _stream_services(settings, database, store)).run(stop))
        if settings.bucket_events_queue_url:
            url = settings.bucket_events_queue_url
            runs.append(BucketEvents(settings, database, store, url).run(stop))
        if settings.worker_metrics_port is not None:
            status = StatusServer(
                settings.host,
                settings.worker_metrics_port,
                _Seams(database, store),
                loop=asyncio.get_running_loop(),
            )
        log.info(
            "intake.started",
            stream=settings.kinesis_stream,
            group=settings.kinesis_group,
            queue=settings.bucket_events_queue_url,
        )
        # A group: when one cannot go on, the process ends, and whoever runs it starts it again.
        async with asyncio.TaskGroup() as group:
            for each in runs:
                group.create_task(each)
        log.info("intake.stopped")
    finally:
        if status is not None:
            status.shutdown()
        store.close()
        await database.close()
        await asyncio.to_thread(flush_tracing)


async def _stream_services(settings: Settings, database: Database, store: Store) -> StreamServices:
    project_id, stream = settings.kinesis_project_id, settings.kinesis_stream
    if project_id is None or stream is None:
        raise NothingToDo("SPOOL_KINESIS_STREAM needs SPOOL_KINESIS_PROJECT_ID too.")
    async with database.project(project_id) as tx:
        try:
            await get_project(tx, project_id)
        except NotFound as error:
            raise NothingToDo(
                f"There is no project {project_id}: SPOOL_KINESIS_PROJECT_ID names the project "
                "that streamed videos belong to."
            ) from error
    group = Group(project_id, settings.kinesis_group, stream)
    return StreamServices(
        settings=settings,
        database=database,
        store=store,
        source=DataStream(settings, stream),
        group=group,
        policy=stream_policy(
            UploadPolicy.of(settings), timedelta(seconds=settings.kinesis_idle_seconds)
        ),
        owner=f"{socket.gethostname()}:{os.getpid()}:{random_id(6)}",
    )
