"""Requests to S3: which client makes them, in which threads, and how their failures are told."""

import asyncio
import base64
import os
import zlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime
from mimetypes import MimeTypes
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from app.foundation.clock import utc_now
from app.foundation.storage.buckets import Buckets
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, ObjectInfo
from app.foundation.storage.retry_budget import RetryBudget
from app.foundation.storage.threads import at_its_end
from app.foundation.threads import Threads

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

P = ParamSpec("P")
T = TypeVar("T")

# Under this name an object remembers which call wrote it, where that may have to be told apart.
WRITER = "writer"
_READ_BYTES = 1 << 20
# Python's own table, not the machine's files: the same answer everywhere.
_TYPES = MimeTypes()


class S3Requests:
    """What the parts of a store on S3 share.

    Args:
        client: boto3's, whose own retries are bound by the budget only.
        threads: Requests at once; more wait for their turn.
        attempts: Tries of one request, as the client was told.
        kms_key_id: Of new objects; the bucket's own encryption without one.
    """

    def __init__(
        self,
        client: "S3Client",
        buckets: Buckets,
        *,
        threads: int,
        attempts: int,
        kms_key_id: str | None = None,
    ) -> None:
        self.client = client
        self.buckets = buckets
        self.attempts = attempts
        self.budget = RetryBudget()
        self.budget.watch(client, attempts=attempts)
        self._threads = Threads(threads, "s3")
        self.encryption: dict[str, Any] = {}
        if kms_key_id is not None:
            self.encryption = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": kms_key_id,
                # One data key for many objects: far fewer requests to KMS.
                "BucketKeyEnabled": True,
            }

    def place(self, key: str) -> dict[str, Any]:
        return {"Bucket": self.buckets.of(key), "Key": key}

    async def read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work that changes nothing; a cancellation leaves it to itself."""
        return await self._threads.run(work, *args, **kwargs)

    async def write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work `at_its_end`."""
        return await at_its_end(self.read(work, *args, **kwargs))

    def close(self) -> None:
        self._threads.close()
        self.client.close()


async def in_parallel(jobs: Iterable[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """The results in order. After a failure no more are begun, and those begun have ended."""
    turns = asyncio.Semaphore(at_once)

    async def run(job: Callable[[], Awaitable[T]]) -> T:
        async with turns:
            return await job()

    tasks = [asyncio.create_task(run(job)) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise


def checksum(crc: int) -> str:
    """A CRC-32 as S3's headers have it."""
    return base64.b64encode(crc.to_bytes(4, "big")).decode()


def checksum_of_file(descriptor: int, begin: int, size: int) -> str:
    """The checksum of a part of a file, read in blocks."""
    crc, done = 0, 0
    while done < size:
        block = os.pread(descriptor, min(_READ_BYTES, size - done), begin + done)
        if not block:
            break
        crc = zlib.crc32(block, crc)
        done += len(block)
    return checksum(crc)


def etag_of(answer: Any) -> str:
    return str(answer["ETag"]).strip('"')


def info_of(key: str, answer: Any) -> ObjectInfo:
    """What the answer to a HEAD or a GET of all of an object tells of it."""
    return ObjectInfo(
        key,
        answer["ContentLength"],
        etag_of(answer),
        answer.get("ContentType", DEFAULT_CONTENT_TYPE),
        answer["LastModified"],
    )


def time_of(answer: Any) -> datetime:
    """When a request that was just answered took effect, by the store's clock."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else utc_now()


def guessed_type(key: str) -> str:
    """The content type that the key's suffix speaks of, where nobody tells the real one."""
    return _TYPES.guess_type(key)[0] or DEFAULT_CONTENT_TYPE
