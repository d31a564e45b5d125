"""Objects on S3.

What it asks of the credentials: s3:GetObject, s3:PutObject, s3:DeleteObject,
s3:AbortMultipartUpload, s3:ListMultipartUploadParts on the objects, s3:ListBucket and
s3:ListBucketMultipartUploads on the buckets; with a KMS key kms:GenerateDataKey and kms:Decrypt.

S3 itself lets a key be the folder of another. Such keys are refused where the server refuses them;
callers must not count on either.
"""

import asyncio
import os
import secrets
import stat
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from app.foundation.storage.errors import (
    AlreadyExists,
    Changed,
    NotFound,
    StoreError,
    StoreUnavailable,
)
from app.foundation.storage.files import discard
from app.foundation.storage.keys import validate_key, validate_prefix
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, ObjectInfo
from app.foundation.storage.s3_bodies import FileSlice, Portions, Spool
from app.foundation.storage.s3_copies import COPY_PART_BYTES, copy_object
from app.foundation.storage.s3_downloads import download_object
from app.foundation.storage.s3_errors import code_of, s3_errors, was_retried
from app.foundation.storage.s3_listing import list_objects
from app.foundation.storage.s3_parted import PART_BYTES, PartedPut
from app.foundation.storage.s3_reader import S3Reader
from app.foundation.storage.s3_requests import (
    WRITER,
    S3Requests,
    checksum,
    checksum_of_file,
    etag_of,
    info_of,
    time_of,
)
from app.foundation.storage.streams import pour

_DELETE_BATCH = 1000


class S3Objects:
    """Implements ObjectStore.

    Args:
        scratch: Folder for bodies on their way, made when missing; the system's own without one.
        copy_part_bytes: Objects with more bytes are copied in parts of so many.
    """

    def __init__(
        self,
        requests: S3Requests,
        *,
        scratch: Path | None = None,
        copy_part_bytes: int = COPY_PART_BYTES,
    ) -> None:
        if scratch is not None:
            scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._requests = requests
        self._scratch = scratch
        self._copy_part_bytes = copy_part_bytes

    async def put(
        self,
        key: str,
        data: bytes | AsyncIterator[bytes],
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        if_absent: bool = False,
    ) -> ObjectInfo:
        validate_key(key)
        if isinstance(data, bytes):
            return await self._requests.write(
                self._put, key, data, len(data), checksum(zlib.crc32(data)), content_type, if_absent
            )
        portions = Portions(aiter(data), PART_BYTES)
        first = await asyncio.to_thread(Spool, self._scratch)
        try:
            await pour(portions.next(), first)
            if not await portions.more():
                return await self._requests.write(
                    self._put,
                    key,
                    first.body(),
                    first.size,
                    checksum(first.crc),
                    content_type,
                    if_absent,
                )
            parted = PartedPut(self._requests, key, content_type, if_absent=if_absent)
            return await parted.put_stream(first, portions, self._scratch)
        finally:
            first.close()

    async def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        consume: bool = False,
    ) -> ObjectInfo:
        validate_key(key)
        descriptor, size = await asyncio.to_thread(_open_regular, path)
        try:
            if size <= PART_BYTES:
                info = await self._requests.write(
                    self._put_slice, key, descriptor, size, content_type
                )
            else:
                parted = PartedPut(self._requests, key, content_type)
                info = await parted.put_file(descriptor, size)
        finally:
            os.close(descriptor)
        if consume:
            await asyncio.to_thread(discard, path)
        return info

    async def head(self, key: str) -> ObjectInfo:
        return await self._requests.read(self._head, validate_key(key))

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        reader = S3Reader(
            self._requests, validate_key(key), start=start, end=end, if_match=if_match
        )
        try:
            while block := await self._requests.read(reader.next_block):
                yield block
                if reader.is_done:
                    break
        finally:
            # A read that is under way in a thread after a cancellation ends in nothing.
            reader.close()

    async def download(self, key: str, path: Path) -> ObjectInfo:
        return await download_object(self._requests, validate_key(key), path)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        validate_key(target)
        found = await self.head(source)
        return await copy_object(self._requests, found, target, self._copy_part_bytes)

    async def delete(self, *keys: str) -> None:
        by_bucket: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            by_bucket.setdefault(self._requests.buckets.of(validate_key(key)), []).append(key)
        for bucket, inside in by_bucket.items():
            for batch in _batches(inside):
                await self._requests.write(self._delete, bucket, batch)

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        return list_objects(self._requests, validate_prefix(prefix))

    async def delete_prefix(self, prefix: str) -> int:
        deleted = 0
        batch: list[str] = []
        async for info in self.list(prefix):
            batch.append(info.key)
            deleted += 1
            if len(batch) == _DELETE_BATCH:
                await self.delete(*batch)
                batch = []
        await self.delete(*batch)
        return deleted

    async def check(self) -> None:
        """Asks for the buckets, which needs no more than the right to list them.

        Writing is not tried: this is called every few seconds, and each write would be paid for.
        A store that takes no writes says so to the first one.
        """
        for bucket in self._requests.buckets.names:
            await self._requests.read(self._check, bucket)

    def _put(
        self,
        key: str,
        body: bytes | FileSlice,
        size: int,
        crc: str,
        content_type: str,
        if_absent: bool = False,
    ) -> ObjectInfo:
        request: dict[str, Any] = {
            **self._requests.place(key),
            **self._requests.encryption,
            "Body": body,
            "ContentLength": size,
            "ContentType": content_type,
            "ChecksumCRC32": crc,
        }
        writer = secrets.token_hex(8)
        if if_absent:
            request |= {"IfNoneMatch": "*", "Metadata": {WRITER: writer}}
        try:
            with s3_errors(key):
                answer = self._requests.client.put_object(**request)
        except (Changed, StoreUnavailable) as error:
            if if_absent and isinstance(error.__cause__, ClientError):
                return self._settle(key, writer, error.__cause__)
            raise
        return ObjectInfo(key, size, etag_of(answer), content_type, time_of(answer))

    def _settle(self, key: str, writer: str, error: ClientError) -> ObjectInfo:
        """Who wrote the object that stands in the way of a conditional write.

        It may have been ourselves, by a try whose answer was lost. And of writers at once S3 may
        tell all but one of a conflict, before the one is done.
        """
        if code_of(error) not in {"PreconditionFailed", "412", "ConditionalRequestConflict"}:
            with s3_errors(key):
                raise error
        try:
            with s3_errors(key):
                found = self._requests.client.head_object(**self._requests.place(key))
        except NotFound:
            raise StoreUnavailable("others were writing at the same time; try again") from error
        if was_retried(error) and found.get("Metadata", {}).get(WRITER) == writer:
            return info_of(key, found)
        raise AlreadyExists(key) from error

    def _put_slice(self, key: str, descriptor: int, size: int, content_type: str) -> ObjectInfo:
        crc = checksum_of_file(descriptor, 0, size)
        return self._put(key, FileSlice(descriptor, 0, size), size, crc, content_type)

    def _head(self, key: str) -> ObjectInfo:
        with s3_errors(key):
            return info_of(key, self._requests.client.head_object(**self._requests.place(key)))

    def _delete(self, bucket: str, keys: Sequence[str]) -> None:
        with s3_errors(keys[0]):
            answer = self._requests.client.delete_objects(
                Bucket=bucket,
                Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
            )
        # A server with folders may complain of what S3 passes over: that there is nothing.
        failed = [one for one in answer.get("Errors", []) if one.get("Code") != "NoSuchKey"]
        if failed:
            reason = f"{failed[0].get('Key')!r}: {failed[0].get('Code')}"
            raise StoreUnavailable(f"{len(failed)} objects could not be deleted, first {reason}")

    def _check(self, bucket: str) -> None:
        with s3_errors(bucket):
            try:
                self._requests.client.head_bucket(Bucket=bucket)
            except ClientError as error:
                raise StoreUnavailable(f"bucket {bucket!r}: {error}") from error


def _open_regular(path: Path) -> tuple[int, int]:
    """A descriptor of the file and its size in bytes."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise StoreError(f"{path} is not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return descriptor, os.fstat(descriptor).st_size


def _batches(keys: list[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, _DELETE_BATCH)):
        yield batch
