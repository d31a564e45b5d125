"""A worker with its broker, from start to stop."""

import os
import socket
import time

from dramatiq import Worker

import app.tables  # noqa: F401  # makes the foreign keys' other ends known
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.notifications.models import Origin
from app.seams import make_outlets, make_store
from app.settings import Settings
from workers.broker import make_broker, queue_check
from workers.finisher import Finisher
from workers.leases import Leases, StopReason
from workers.pipeline.ffmpeg import find_ffmpeg
from workers.pipeline.limits import Limits
from workers.registry import ActorSet
from workers.scratch import ScratchSpace
from workers.services import Services
from workers.sqs_broker import SqsBroker
from workers.status import CheckQueue
from workers.task_broker import loop_thread

# Idle threads look up this often whether they should stop; work wakes them at once.
_IDLE_MILLISECONDS = 250
_POLL_SECONDS = 0.02
# What Dramatiq's threads and FFmpeg get to end in.
_HAND_BACK_SECONDS = 10.0


def make_services(settings: Settings) -> Services:
    threads = settings.worker_encode_slots + settings.worker_light_slots
    database = Database(
        settings.database_url.get_secret_value(),
        pool_size=min(settings.database_pool_size, threads + 4),
        application_name="spool-worker",
        # A worker that is frozen past its leases loses its locks with them.
        idle_seconds=settings.lease_seconds,
        info=make_outlets(settings, Origin.WORKER).info,
    )
    return Services(
        settings=settings,
        database=database,
        store=make_store(settings),
        ffmpeg=find_ffmpeg(settings.ffmpeg_path),
        limits=Limits(),
        scratch=ScratchSpace(settings.scratch_root),
        leases=Leases(database, settings.lease),
        finisher=Finisher(database),
        worker=f"{socket.gethostname()}:{os.getpid()}:{random_id(6)}",
    )


class WorkerProcess:
    """A worker with its broker, from start to stop."""

    def __init__(self, settings: Settings, actors: ActorSet) -> None:
        self.services = make_services(settings)
        self.broker = make_broker(self.services, actors)
        self._stopped = False
        self._worker = Worker(
            self.broker,
            worker_threads=settings.worker_encode_slots + settings.worker_light_slots,
            worker_timeout=_IDLE_MILLISECONDS,
        )

    @property
    def check_queue(self) -> CheckQueue | None:
        """See `StatusServer`."""
        sqs = self.broker.sqs if isinstance(self.broker, SqsBroker) else None
        return queue_check(self.services.settings, sqs)

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        """Hands back what runs, within `drain_seconds` and what FFmpeg takes to end."""
        if self._stopped:
            return
        self._stopped = True
        drain = self.services.settings.drain_seconds
        self.broker.drain()
        end_of_grace = time.monotonic() + grace_of(drain)
        while len(self.services.leases) and time.monotonic() < end_of_grace:
            time.sleep(_POLL_SECONDS)
        loop_thread().loop.call_soon_threadsafe(
            self.services.leases.stop_all, StopReason.HANDED_BACK
        )
        self._worker.stop(timeout=int(min(drain, _HAND_BACK_SECONDS) * 1000))
        self.services.store.close()


def grace_of(drain_seconds: float) -> float:
    """How long work may go on after a stop, in seconds, before it is handed back.

    Of a short time a quarter, for what is about to end; of one that is as long as an encode all
    but what handing back takes.
    """
    return max(drain_seconds / 4, drain_seconds - _HAND_BACK_SECONDS)
