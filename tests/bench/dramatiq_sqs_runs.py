"""dramatiq-sqs beside ours: plain messages on the same server, and a worker that does nothing.

Run as a program it is the worker: a process of its own with Dramatiq's own middleware and times,
started as Dramatiq's command starts one.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import dramatiq
from botocore.config import Config
from dramatiq_sqs import SQSBroker

from tests.bench.installation import Installation
from tests.bench.programs import Program, running

QUEUE = "light"
_REGION = "us-east-1"
_NAMESPACE = "theirs"


@dataclass(frozen=True, slots=True)
class Theirs:
    """What is sent with dramatiq-sqs.

    Args:
        queue_name: Of the queue in SQS.
    """

    noop: Callable[[], object]
    stamp: Callable[[str], object]
    queue_name: str = f"{_NAMESPACE}_{QUEUE}"


def make_broker(url: str, threads: int) -> SQSBroker:
    """A broker that `threads` use at once, each with a connection: boto3 alone keeps ten."""
    return SQSBroker(
        namespace=_NAMESPACE,
        endpoint_url=url,
        region_name=_REGION,
        config=Config(max_pool_connections=threads + 1),
    )


def declare(broker: SQSBroker) -> Theirs:
    """The two tasks: one that does nothing, and one that says when it began."""
    noop = dramatiq.actor(actor_name="noop", broker=broker, queue_name=QUEUE)(_noop)
    stamp = dramatiq.actor(actor_name="stamp", broker=broker, queue_name=QUEUE)(_stamp)
    return Theirs(noop.send, stamp.send)


def _noop() -> None:
    return


def _stamp(name: str) -> None:
    stamp = time.monotonic_ns()
    os.write(1, f"{stamp} {name}\n".encode())


@contextmanager
def running_theirs(
    installation: Installation, url: str, slots: int, environment: Mapping[str, str]
) -> Iterator[Program]:
    """A worker of dramatiq-sqs with so many threads, which has started."""
    module = ["tests.bench.dramatiq_sqs_runs", url, str(slots)]
    with running(module, environment, installation.folder / "dramatiq_sqs.log") as program:
        program.await_output("worker.started")
        yield program


def main(url: str, slots: int) -> None:
    logging.basicConfig(level=logging.ERROR)
    broker = make_broker(url, slots)
    declare(broker)
    worker = dramatiq.Worker(broker, worker_threads=slots)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.start()
    os.write(1, b"worker.started\n")
    stop.wait()
    worker.stop()
    broker.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
