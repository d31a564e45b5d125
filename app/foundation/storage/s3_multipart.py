"""Multipart uploads on S3 that others send the parts of."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.foundation.storage.errors import (
    Incomplete,
    NoSuchUpload,
    NotFound,
    PartMismatch,
    PartMissing,
    PartTooLarge,
    PartTooSmall,
    StoreUnavailable,
    WrongSize,
)
from app.foundation.storage.keys import validate_key, validate_prefix
from app.foundation.storage.part_sizes import check_announced
from app.foundation.storage.protocols import (
    DEFAULT_CONTENT_TYPE,
    MAX_PART_BYTES,
    MIN_PART_BYTES,
    MultipartUpload,
    ObjectInfo,
    Part,
)
from app.foundation.storage.s3_bodies import Spool
from app.foundation.storage.s3_errors import s3_errors
from app.foundation.storage.s3_listing import list_uploads
from app.foundation.storage.s3_objects import S3Objects
from app.foundation.storage.s3_requests import checksum, etag_of
from app.foundation.storage.streams import pour

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef


class S3Multipart(S3Objects):
    """Implements MultipartStore.

    The upload is begun without a checksum algorithm: with one, S3 would refuse the parts of
    clients that send none, and those of signed requests need none, since their size is signed and
    their ETag is compared when the upload is completed. A client that wants its bytes compared
    sends Content-MD5, which needs no signature. Parts that pass through `put_part` have a CRC-32.
    """

    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        part_size: int | None = None,  # noqa: ARG002  # S3 has no use for it
    ) -> str:
        return await self._requests.write(self._create, validate_key(key), content_type)

    async def put_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: AsyncIterator[bytes],
        *,
        content_length: int | None = None,
        size: int | None = None,
    ) -> Part:
        check_announced(number, content_length, size)
        expected = content_length if size is None else size
        limit = MAX_PART_BYTES if expected is None else expected
        spool = await asyncio.to_thread(Spool, self._scratch)
        try:
            await pour(_up_to(limit, body, number), spool)
            if expected is not None and spool.size != expected:
                raise Incomplete(f"{spool.size} of {expected} bytes came")
            return await self._requests.write(
                self._put_part, validate_key(key), upload_id, number, spool
            )
        finally:
            spool.close()

    async def list_parts(self, key: str, upload_id: str) -> list[Part]:
        return await self._requests.read(self._list_parts, validate_key(key), upload_id)

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part]
    ) -> ObjectInfo:
        return await self._requests.write(self._complete, validate_key(key), upload_id, parts)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        await self._requests.write(self._abort, validate_key(key), upload_id)

    def list_multiparts(self, prefix: str) -> AsyncIterator[MultipartUpload]:
        return list_uploads(self._requests, validate_prefix(prefix))

    def _upload(self, key: str, upload_id: str) -> dict[str, Any]:
        return {**self._requests.place(key), "UploadId": upload_id}

    def _create(self, key: str, content_type: str) -> str:
        with s3_errors(key):
            answer = self._requests.client.create_multipart_upload(
                **self._requests.place(key), **self._requests.encryption, ContentType=content_type
            )
        return answer["UploadId"]

    def _put_part(self, key: str, upload_id: str, number: int, spool: Spool) -> Part:
        try:
            with s3_errors(key, upload_id=upload_id):
                answer = self._requests.client.upload_part(
                    **self._upload(key, upload_id),
                    PartNumber=number,
                    Body=spool.body(),  # type: ignore[arg-type]  # as in s3_parted
                    ContentLength=spool.size,
                    ChecksumCRC32=checksum(spool.crc),
                )
        except WrongSize as error:
            raise PartTooLarge(number, "the store takes no part of that size") from error
        return Part(number, spool.size, etag_of(answer))

    def _list_parts(self, key: str, upload_id: str) -> list[Part]:
        parts: list[Part] = []
        asked = self._upload(key, upload_id)
        while True:
            with s3_errors(key, upload_id=upload_id):
                answer = self._requests.client.list_parts(**asked)
            parts += [
                Part(found["PartNumber"], found["Size"], etag_of(found))
                for found in answer.get("Parts", [])
            ]
            if not answer.get("IsTruncated"):
                return parts
            asked["PartNumberMarker"] = int(answer["NextPartNumberMarker"])

    def _complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> ObjectInfo:
        # Asked first: S3 does not say which part is wrong, does not look at sizes, and some servers
        # answer for an upload they do not know if there is an object under the key.
        self._check_parts(key, upload_id, parts)
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts
        ]
        try:
            with s3_errors(key, upload_id=upload_id):
                self._requests.client.complete_multipart_upload(
                    **self._upload(key, upload_id), MultipartUpload={"Parts": listed}
                )
            return self._head(key)
        except NotFound as error:
            # Another completion was faster, or the object is deleted already.
            raise NoSuchUpload(upload_id) from error
        except StoreUnavailable:
            # What it stumbled over may be another completion, or a part that came meanwhile.
            self._check_parts(key, upload_id, parts)
            raise

    def _check_parts(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Raises what `MultipartStore.complete_multipart` does."""
        known = {part.number: part for part in self._list_parts(key, upload_id)}
        if not parts:
            raise PartMissing(1, "an object has at least one part")
        before = 0
        for part in parts:
            if part.number <= before:
                raise PartMismatch(part.number, "the numbers have to ascend")
            before = part.number
            if part.number not in known:
                raise PartMissing(part.number, "it was not received whole")
            if known[part.number] != part:
                raise PartMismatch(part.number, "what was received has another ETag or size")
        for part in parts[:-1]:
            if part.size < MIN_PART_BYTES:
                raise PartTooSmall(part.number, f"less than {MIN_PART_BYTES} bytes, and not last")

    def _abort(self, key: str, upload_id: str) -> None:
        with suppress(NoSuchUpload), s3_errors(key, upload_id=upload_id):
            self._requests.client.abort_multipart_upload(**self._upload(key, upload_id))


async def _up_to(limit: int, body: AsyncIterator[bytes], number: int) -> AsyncIterator[bytes]:
    size = 0
    async for block in body:
        size += len(block)
        if size > limit:
            raise PartTooLarge(number, f"more than {limit} bytes came")
        yield block
