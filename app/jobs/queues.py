"""The queues of this deployment: clients for them, and the queues themselves in development."""

from botocore.config import Config

from app.foundation.aws import make_client
from app.foundation.sqs import Sqs
from app.jobs.queue_names import RETENTION_SECONDS, dead_letter_name, every_queue
from app.settings import Settings

# What sends and deletes is asked again by its own rounds; a request that hangs only delays them.
_ANSWER_SECONDS = 5.0
_AFTER_WAIT_SECONDS = 10.0


def make_sqs(settings: Settings, *, connections: int) -> Sqs:
    """Clients of SQS, whose calls are made from up to `connections` threads at once."""
    endpoint = settings.sqs_endpoint_url
    quick = make_client(
        settings,
        "sqs",
        endpoint_url=endpoint,
        connections=connections,
        config=Config(read_timeout=min(settings.aws_read_seconds, _ANSWER_SECONDS)),
    )
    # One try: a poll that failed is followed by the next one.
    polling = make_client(
        settings,
        "sqs",
        endpoint_url=endpoint,
        attempts=1,
        connections=connections,
        config=Config(read_timeout=settings.sqs_wait_seconds + _AFTER_WAIT_SECONDS),
    )
    return Sqs(quick, polling)


def create_queues(sqs: Sqs, settings: Settings) -> None:
    """Makes the queues that are missing, with their dead letters: for development.

    Raises:
        what `SQS_ERRORS` names.
    """
    for name in every_queue(settings.sqs_queue_prefix):
        sqs.create(
            name,
            dead_letters=dead_letter_name(name),
            max_receives=settings.sqs_max_receives,
            retention_seconds=RETENTION_SECONDS,
            wait=settings.sqs_wait_seconds,
        )
