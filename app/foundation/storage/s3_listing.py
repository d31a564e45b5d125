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
    listings = [_objects_in(requests, bucket, prefix) for bucket in requests.buckets.under(prefix)]
    heads = [(listing, await anext(listing, None)) for listing in listings]
    while waiting := [(listing, info) for listing, info in heads if info is not None]:
        first, info = min(waiting, key=lambda item: item[1].key.encode())
        yield info
        heads = [
            (listing, await anext(listing, None) if listing is first else head)
            for listing, head in waiting
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


async def _objects_in(requests: S3Requests, bucket: str, prefix: str) -> AsyncIterator[ObjectInfo]:
    """One bucket's objects, page by page; what lies in the wrong bucket does not exist."""
    asked: dict[str, Any] | None = {"Bucket": bucket, "Prefix": prefix}
    while asked is not None:
        objects, asked = await requests.read(_page_of_objects, requests, asked)
        for info in objects:
            if requests.buckets.of(info.key) == bucket and not info.key.endswith("/"):
                yield info


def _page_of_objects(
    requests: S3Requests, asked: dict[str, Any]
) -> tuple[list[ObjectInfo], dict[str, Any] | None]:
    with s3_errors(asked["Prefix"]):
        answer = requests.client.list_objects_v2(**asked)
    objects = [
        ObjectInfo(
            found["Key"],
            found["Size"],
            etag_of(found),
            guessed_type(found["Key"]),
            found["LastModified"],
        )
        for found in answer.get("Contents", [])
    ]
    token = answer.get("NextContinuationToken")
    if not answer.get("IsTruncated") or token is None:
        return objects, None
    return objects, asked | {"ContinuationToken": token}


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
