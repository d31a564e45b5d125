"""Objects and unfinished uploads of all buckets as if they were one."""

from collections.abc import AsyncIterator
from typing import Any

from app.foundation.storage.protocols import MultipartUpload, ObjectInfo
from app.foundation.storage.s3_errors import s3_errors
from app.foundation.storage.s3_requests import S3Requests, etag_of, guessed_type


async def list_objects(requests: S3Requests, prefix: str) -> AsyncIterator[ObjectInfo]:
    """The objects with this prefix, in the order of their keys' UTF-8.

    S3 tells no content type here: it is guessed from the suffix. Ask `head` for the real one.
    """
    listings = [_Listing(requests, bucket, prefix) for bucket in requests.buckets.under(prefix)]
    heads = [(listing, await listing.next()) for listing in listings]
    while waiting := [(listing, info) for listing, info in heads if info is not None]:
        first, info = min(waiting, key=lambda item: item[1].key.encode())
        yield info
        heads = [
            (listing, await first.next() if listing is first else head) for listing, head in waiting
        ]


class _Listing:
    """One bucket's objects, page by page; what lies in the wrong bucket does not exist."""

    def __init__(self, requests: S3Requests, bucket: str, prefix: str) -> None:
        self._requests = requests
        self._bucket = bucket
        self._prefix = prefix
        self._page: list[ObjectInfo] = []
        self._token: str | None = None
        self._ended = False

    async def next(self) -> ObjectInfo | None:
        while not self._page and not self._ended:
            self._page = await self._requests.read(self._next_page)
            self._page.reverse()
        return self._page.pop() if self._page else None

    def _next_page(self) -> list[ObjectInfo]:
        asked: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix}
        if self._token is not None:
            asked["ContinuationToken"] = self._token
        with s3_errors(self._prefix):
            answer = self._requests.client.list_objects_v2(**asked)
        self._token = answer.get("NextContinuationToken")
        self._ended = not answer.get("IsTruncated") or self._token is None
        return [
            ObjectInfo(
                found["Key"],
                found["Size"],
                etag_of(found),
                guessed_type(found["Key"]),
                found["LastModified"],
            )
            for found in answer.get("Contents", [])
            if self._requests.buckets.of(found["Key"]) == self._bucket
            and not found["Key"].endswith("/")
        ]


async def list_uploads(requests: S3Requests, prefix: str) -> AsyncIterator[MultipartUpload]:
    """The unfinished multipart uploads to keys with this prefix, bucket after bucket."""
    for bucket in requests.buckets.under(prefix):
        asked: dict[str, Any] | None = {"Bucket": bucket, "Prefix": prefix}
        while asked is not None:
            uploads, asked = await requests.read(_page_of_uploads, requests, asked)
            for upload in uploads:
                if requests.buckets.of(upload.key) == bucket:
                    yield upload


def _page_of_uploads(
    requests: S3Requests, asked: dict[str, Any]
) -> tuple[list[MultipartUpload], dict[str, Any] | None]:
    with s3_errors(asked["Prefix"]):
        answer = requests.client.list_multipart_uploads(**asked)
    uploads = [
        MultipartUpload(found["Key"], found["UploadId"], found["Initiated"])
        for found in answer.get("Uploads", [])
        if found["Key"].startswith(asked["Prefix"])
    ]
    if not answer.get("IsTruncated"):
        return uploads, None
    markers = {
        "KeyMarker": answer.get("NextKeyMarker", ""),
        "UploadIdMarker": answer.get("NextUploadIdMarker", ""),
    }
    return uploads, asked | markers
