"""How an object of a bucket gets to its place in the store."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from app.foundation.aws import make_client
from app.foundation.errors import TooLarge
from app.foundation.storage.errors import InvalidKey, NotFound
from app.foundation.storage.protocols import Store
from app.foundation.telemetry.aws_calls import trace_calls
from app.foundation.threads import Threads
from app.intake.arrivals import Claim
from app.intake.notices import Landed
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_BLOCK_BYTES = 1024 * 1024
_THREADS = 4
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404"})


class LandedObjects:
    """Copies objects: by the store where they lie in its own bucket, else by reading them.

    IAM: s3:GetObject, and s3:GetObjectVersion where the bucket keeps versions.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._own = settings.s3_source_bucket if settings.store == "s3" else None
        self._client: S3Client = make_client(
            settings,
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            attempts=settings.s3_attempts,
            connections=_THREADS,
            config=Config(
                s3={"addressing_style": "path" if settings.s3_path_style else "auto"},
                response_checksum_validation="when_required",
            ),
        )
        trace_calls(self._client)
        self._threads = Threads(_THREADS, "landed")

    async def copy(self, landed: Landed, held: Claim, limit: int) -> int:
        """Puts the object under its new key; gives its size.

        Raises:
            NotFound: it is gone, or another version is there.
            TooLarge: upload_too_large.
            StoreUnavailable, ClientError, BotoCoreError: it may work later.
        """
        if landed.bucket == self._own and landed.version_id is None:
            try:
                return (await self._store.copy(landed.key, held.target)).size
            except InvalidKey:
                # A key that none of ours could be; reading it needs no such key in the store.
                pass
        blocks = self._read(landed, limit)
        info = await self._store.put(held.target, blocks, content_type=held.content_type)
        return info.size

    async def _read(self, landed: Landed, limit: int) -> AsyncIterator[bytes]:
        body = await self._threads.run(self._open, landed)
        size = 0
        try:
            while block := await self._threads.run(body.read, _BLOCK_BYTES):
                size += len(block)
                if size > limit:
                    raise TooLarge("upload_too_large", f"It has more than {limit} bytes.")
                yield block
        finally:
            body.close()

    def _open(self, landed: Landed) -> Any:
        version = {"VersionId": landed.version_id} if landed.version_id else {}
        try:
            answer = self._client.get_object(Bucket=landed.bucket, Key=landed.key, **version)  # type: ignore[arg-type]  # a dict of strings
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise NotFound(landed.key) from error
            raise
        return answer["Body"]

    def close(self) -> None:
        self._threads.close()
        self._client.close()
