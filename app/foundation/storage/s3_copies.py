"""Objects copied by S3 itself, also from bucket to bucket; large ones in parts at once."""

from functools import partial
from typing import Any

from app.foundation.storage.protocols import ObjectInfo
from app.foundation.storage.s3_errors import s3_errors
from app.foundation.storage.s3_parted import PartedPut
from app.foundation.storage.s3_requests import S3Requests, etag_of, time_of

# S3 would copy 5 GiB in one request, which takes longer than we wait for an answer.
COPY_PART_BYTES = 256 * 1024 * 1024


async def copy_object(
    requests: S3Requests, source: ObjectInfo, target: str, part_bytes: int
) -> ObjectInfo:
    """Raises NotFound, and Changed when the source is replaced meanwhile."""
    if source.size <= part_bytes:
        return await requests.write(_copy_whole, requests, source, target)
    parted = PartedPut(requests, target, source.content_type)
    return await parted.put_parts(partial(_copy_part, requests, source), source.size, part_bytes)


def _source(requests: S3Requests, source: ObjectInfo) -> dict[str, Any]:
    return {
        "CopySource": {"Bucket": requests.buckets.of(source.key), "Key": source.key},
        "CopySourceIfMatch": f'"{source.etag}"',
    }


def _copy_whole(requests: S3Requests, source: ObjectInfo, target: str) -> ObjectInfo:
    with s3_errors(source.key):
        answer = requests.client.copy_object(
            **requests.place(target),
            **requests.encryption,
            **_source(requests, source),
            # Tags are the lifecycle's of where it lies; taking them along needs further grants.
            TaggingDirective="REPLACE",
        )
    etag = etag_of(answer["CopyObjectResult"])
    return ObjectInfo(target, source.size, etag, source.content_type, time_of(answer))


def _copy_part(
    requests: S3Requests,
    source: ObjectInfo,
    upload: dict[str, Any],
    number: int,
    begin: int,
    size: int,
) -> dict[str, Any]:
    with s3_errors(source.key):
        answer = requests.client.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySourceRange=f"bytes={begin}-{begin + size - 1}",
            **_source(requests, source),
        )
    copied = answer["CopyPartResult"]
    part = {"PartNumber": number, "ETag": copied["ETag"]}
    if "ChecksumCRC32" in copied:
        part["ChecksumCRC32"] = copied["ChecksumCRC32"]
    return part
