"""The object store on S3 and on servers that speak it."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.foundation.storage.observed import observed
from app.foundation.storage.s3_copies import COPY_PART_BYTES
from app.foundation.storage.s3_multipart import S3Multipart
from app.foundation.storage.s3_requests import S3Requests
from app.foundation.storage.s3_urls import S3Urls

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


@observed("s3")
class S3Store(S3Multipart, S3Urls):
    """Implements ObjectStore, MultipartStore and SignedUrls.

    Args:
        signing_client: For signed requests, where the store is reached under another name than
            the one used here. Default: the client of the requests.
        scratch: As of S3Objects.
        copy_part_bytes: As of S3Objects.
    """

    def __init__(
        self,
        requests: S3Requests,
        *,
        signing_client: "S3Client | None" = None,
        scratch: Path | None = None,
        copy_part_bytes: int = COPY_PART_BYTES,
    ) -> None:
        S3Multipart.__init__(self, requests, scratch=scratch, copy_part_bytes=copy_part_bytes)
        S3Urls.__init__(self, requests, signing_client or requests.client)

    def close(self) -> None:
        """Takes no more calls; what is under way in threads ends by itself."""
        self._requests.close()
