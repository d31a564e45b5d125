"""What an exception means for its task: one pure function from error to failure."""

import errno
import traceback

from app.foundation.errors import SpoolError
from app.foundation.storage.errors import NotFound as ObjectNotFound
from app.foundation.storage.errors import OutOfSpace, StoreError, StoreUnavailable
from app.jobs.retry import Failure, Fault
from workers.pipeline.errors import BadInput, FfmpegFailed, PipelineError, Timeout

_LOG_CHARACTERS = 16_000


def classify(error: BaseException) -> Failure:
    """Whose fault the error is, and how to say it to the person whose video it is."""
    match error:
        case BadInput():
            return Failure(Fault.INPUT, error.code, error.message)
        case Timeout():
            return Failure(Fault.TIMEOUT, error.code, error.message)
        case TimeoutError():
            return Failure(
                Fault.TIMEOUT, "timeout", "The work took longer than its limit and was stopped."
            )
        case PipelineError():
            return Failure(Fault.HOST, error.code, error.message)
        case StoreError():
            return _of_store(error)
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return Failure(Fault.HOST, "disk_full", "The worker's disk is full.")
        case MemoryError():
            return Failure(Fault.HOST, "out_of_memory", "The worker ran out of memory.")
        case SpoolError():
            return Failure(Fault.HOST, error.code, error.detail)
        case _:
            return Failure(
                Fault.HOST,
                "unexpected_error",
                f"Something unforeseen went wrong in this step ({type(error).__name__}).",
            )


def _of_store(error: StoreError) -> Failure:
    match error:
        case ObjectNotFound():
            return Failure(
                Fault.HOST, "object_missing", "A file that this step reads is not in the store."
            )
        case OutOfSpace():
            # Counts: a store that still reads lets each attempt do its work before it fails.
            return Failure(Fault.HOST, "store_full", "The object store has no space left.")
        case StoreUnavailable():
            return Failure(Fault.OUTAGE, "store_unavailable", "The object store is away.")
        case _:
            return Failure(Fault.HOST, "store_failed", "The object store did not do its part.")


def log_of(error: BaseException) -> str:
    """What the task's log shows of the error: FFmpeg's last words where it spoke, else ours."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FfmpegFailed):
            return "\n".join(cause.stderr_tail)[-_LOG_CHARACTERS:]
        cause = cause.__cause__
    return "".join(traceback.format_exception(error))[-_LOG_CHARACTERS:]
