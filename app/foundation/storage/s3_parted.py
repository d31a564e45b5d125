"""Objects that the store itself sends in parts: large files, long streams, large copies."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from app.foundation.storage.errors import (
    AlreadyExists,
    Changed,
    NoSuchUpload,
    NotFound,
    StoreError,
)
from app.foundation.storage.protocols import MAX_PARTS, ObjectInfo
from app.foundation.storage.s3_bodies import FileSlice, Portions, Spool
from app.foundation.storage.s3_errors import s3_errors, was_retried
from app.foundation.storage.s3_requests import (
    WRITER,
    S3Requests,
    checksum,
    checksum_of_file,
    etag_of,
    in_parallel,
    info_of,
    time_of,
)
from app.foundation.storage.streams import pour

# Also the most that is sent whole. Larger parts cost more when one has to be sent again.
PART_BYTES = 16 * 1024 * 1024
_PARTS_AT_ONCE = 4
_MIB = 1024 * 1024

PartRequest = Callable[[dict[str, Any], int, int, int], dict[str, Any]]
"""Stores a part in a thread: of the upload, its number, its first byte in the whole and its size.

What it gives is that part's entry in the list of parts that completes the upload.
"""


class PartedPut:
    """One object in parts, each with a checksum. What fails or is cancelled leaves no parts.

    A process that is killed does leave some. The sweep of orphans finds them, and so does the
    rule AbortIncompleteMultipartUpload of the bucket.
    """

    def __init__(
        self, requests: S3Requests, key: str, content_type: str, *, if_absent: bool = False
    ) -> None:
        self._requests = requests
        self._key = key
        self._content_type = content_type
        self._if_absent = if_absent
        self._writer = secrets.token_hex(8)

    async def put_file(self, descriptor: int, size: int) -> ObjectInfo:
        """The bytes of an open file."""
        return await self.put_parts(partial(self._send_slice, descriptor), size, PART_BYTES)

    async def put_parts(self, send: PartRequest, size: int, part_bytes: int) -> ObjectInfo:
        """Bytes of which each part can be stored by itself, in any order.

        Args:
            part_bytes: Of each part but the last; more where that would be too many parts.
        """
        while size > part_bytes * MAX_PARTS:
            part_bytes += _MIB
        upload = await self._requests.write(self._begin)
        try:
            parts = await in_parallel(
                (
                    partial(
                        self._requests.write,
                        send,
                        upload,
                        1 + begin // part_bytes,
                        begin,
                        min(part_bytes, size - begin),
                    )
                    for begin in range(0, size, part_bytes)
                ),
                at_once=_PARTS_AT_ONCE,
            )
            return await self._requests.write(self._complete, upload, parts, size)
        except BaseException:
            await self._abort(upload)
            raise

    async def put_stream(
        self, first: Spool, portions: Portions, scratch: Path | None
    ) -> ObjectInfo:
        """A body of unknown length: one part is sent while the next one is taken in.

        Args:
            first: The first part; stays open.
            portions: The rest, cut to the size of a part.
        """
        upload = await self._requests.write(self._begin)
        parts: list[dict[str, Any]] = []
        size = first.size
        sending = asyncio.create_task(self._send_spool(upload, 1, first))
        try:
            while await portions.more():
                spool = await asyncio.to_thread(Spool, scratch)
                try:
                    await pour(portions.next(), spool)
                    parts.append(await sending)
                except BaseException:
                    spool.close()
                    raise
                size += spool.size
                sending = asyncio.create_task(
                    self._send_spool(upload, len(parts) + 1, spool, close=True)
                )
            parts.append(await sending)
            return await self._requests.write(self._complete, upload, parts, size)
        except BaseException:
            # A part that would still arrive after it would be stored for nothing.
            sending.cancel()
            await asyncio.wait({sending})
            await self._abort(upload)
            raise

    async def _send_spool(
        self, upload: dict[str, Any], number: int, spool: Spool, *, close: bool = False
    ) -> dict[str, Any]:
        try:
            return await self._requests.write(
                self._send, upload, number, spool.body(), checksum(spool.crc)
            )
        finally:
            if close:
                spool.close()

    async def _abort(self, upload: dict[str, Any]) -> None:
        """As far as that goes: why it is aborted counts more than that it could not be."""
        with suppress(StoreError):
            await asyncio.shield(self._requests.write(self._abort_now, upload))

    def _begin(self) -> dict[str, Any]:
        place = self._requests.place(self._key)
        with s3_errors(self._key):
            answer = self._requests.client.create_multipart_upload(
                **place,
                **self._requests.encryption,
                ContentType=self._content_type,
                ChecksumAlgorithm="CRC32",
                Metadata={WRITER: self._writer},
            )
        return {**place, "UploadId": answer["UploadId"]}

    def _send_slice(
        self, descriptor: int, upload: dict[str, Any], number: int, begin: int, size: int
    ) -> dict[str, Any]:
        crc = checksum_of_file(descriptor, begin, size)
        return self._send(upload, number, FileSlice(descriptor, begin, size), crc)

    def _send(
        self, upload: dict[str, Any], number: int, body: FileSlice, crc: str
    ) -> dict[str, Any]:
        with s3_errors(self._key, upload_id=upload["UploadId"]):
            answer = self._requests.client.upload_part(
                **upload,
                PartNumber=number,
                Body=body,  # type: ignore[arg-type]  # a raw file is one; the stubs ask for more
                ContentLength=len(body),
                ChecksumCRC32=crc,
            )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": crc}

    def _complete(
        self, upload: dict[str, Any], parts: list[dict[str, Any]], size: int
    ) -> ObjectInfo:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if self._if_absent else {}
        try:
            with s3_errors(self._key, upload_id=upload["UploadId"]):
                answer = self._requests.client.complete_multipart_upload(
                    **upload,
                    **condition,
                    MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # of `_send` or `_copy_part`
                )
        except (NoSuchUpload, Changed) as error:
            found = self._found_as_ours(error)
            if found is not None:
                return found
            if isinstance(error, Changed):
                raise AlreadyExists(self._key) from error
            raise
        return ObjectInfo(self._key, size, etag_of(answer), self._content_type, time_of(answer))

    def _found_as_ours(self, error: StoreError) -> ObjectInfo | None:
        """The object, where a try completed it whose answer was lost."""
        if not isinstance(error.__cause__, ClientError) or not was_retried(error.__cause__):
            return None
        try:
            with s3_errors(self._key):
                head = self._requests.client.head_object(**self._requests.place(self._key))
        except NotFound:
            return None
        if head.get("Metadata", {}).get(WRITER) != self._writer:
            return None
        return info_of(self._key, head)

    def _abort_now(self, upload: dict[str, Any]) -> None:
        with suppress(NoSuchUpload), s3_errors(self._key, upload_id=upload["UploadId"]):
            self._requests.client.abort_multipart_upload(**upload)
