"""Requests to S3 for those who have no credentials (SigV4 in the query, at most seven days).

One that is signed with temporary credentials ends with them, however long it was meant to last.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app.foundation.clock import utc_now
from app.foundation.storage.keys import validate_key
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, SignedRequest
from app.foundation.storage.s3_requests import S3Requests

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class S3Urls:
    """Implements SignedUrls.

    Args:
        signing_client: One whose endpoint is where the holders of the requests reach the store.
    """

    def __init__(self, requests: S3Requests, signing_client: "S3Client") -> None:
        self._requests = requests
        self._signing_client = signing_client

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
        encryption = self._requests.encryption
        asked = self._object(key) | encryption | {"ContentType": content_type}
        headers = {"content-type": content_type}
        if encryption:
            headers |= {
                "x-amz-server-side-encryption": encryption["ServerSideEncryption"],
                "x-amz-server-side-encryption-aws-kms-key-id": encryption["SSEKMSKeyId"],
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
        return self._requests.place(validate_key(key))

    def _sign(
        self,
        method: str,
        operation: str,
        asked: dict[str, Any],
        expires: timedelta,
        headers: dict[str, str] | None = None,
    ) -> SignedRequest:
        expires_at = utc_now().replace(microsecond=0) + expires
        url = self._signing_client.generate_presigned_url(
            operation, Params=asked, ExpiresIn=int(expires.total_seconds())
        )
        return SignedRequest(method, url, expires_at, headers or {})


def _size(size: int | None) -> dict[str, int]:
    """Signed as the header Content-Length, so that S3 refuses a body of any other size."""
    return {} if size is None else {"ContentLength": size}
