"""Requests to S3 for those who have no credentials (SigV4 in the query, at most seven days).

One that is signed with temporary credentials ends with them, however long it was meant to last.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.foundation.clock import Clock
from app.foundation.storage.buckets import Buckets
from app.foundation.storage.keys import validate_key
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, SignedRequest

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class S3Urls:
    """Implements SignedUrls.

    Args:
        signing_client: One whose endpoint is where the holders of the requests reach the store.
        kms_key_id: Of new objects; the bucket's own encryption without one.
    """

    def __init__(
        self,
        signing_client: "S3Client",
        buckets: Buckets,
        clock: Clock,
        *,
        kms_key_id: str | None = None,
    ) -> None:
        self._signing_client = signing_client
        self._buckets = buckets
        self._clock = clock
        self._kms_key_id = kms_key_id

    def sign_get(self, key: str, *, expires: timedelta, filename: str | None = None) -> str:
        asked = self._object(key)
        if filename is not None:
            quoted = quote(filename, safe="")
            asked["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quoted}"
        return self._sign("GET", "get_object", asked, expires).url

    def sign_put(
        self,
        key: str,
        *,
        expires: timedelta,
        size: int | None = None,
        content_type: str = DEFAULT_CONTENT_TYPE,
    ) -> SignedRequest:
        asked = self._object(key) | {"ContentType": content_type}
        headers = {"content-type": content_type}
        if self._kms_key_id is not None:
            asked |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": self._kms_key_id,
                "BucketKeyEnabled": True,
            }
            headers |= {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": self._kms_key_id,
                "x-amz-server-side-encryption-bucket-key-enabled": "true",
            }
        return self._sign("PUT", "put_object", asked | _size(size), expires, headers)

    def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        *,
        expires: timedelta,
        size: int | None = None,
    ) -> SignedRequest:
        asked = self._object(key) | {"UploadId": upload_id, "PartNumber": number}
        return self._sign("PUT", "upload_part", asked | _size(size), expires)

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._buckets.of(validate_key(key)), "Key": key}

    def _sign(
        self,
        method: str,
        operation: str,
        asked: dict[str, Any],
        expires: timedelta,
        headers: dict[str, str] | None = None,
    ) -> SignedRequest:
        expires_at = self._clock().replace(microsecond=0) + expires
        url = self._signing_client.generate_presigned_url(
            operation, Params=asked, ExpiresIn=int(expires.total_seconds())
        )
        return SignedRequest(method, url, expires_at, headers or {})


def _size(size: int | None) -> dict[str, int]:
    """Signed as the header Content-Length, so that S3 refuses a body of any other size."""
    return {} if size is None else {"ContentLength": size}
