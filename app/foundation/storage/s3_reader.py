"""An object read from S3 in blocks. Everything here blocks."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError
from urllib3.exceptions import HTTPError

from app.foundation.storage.errors import StoreUnavailable
from app.foundation.storage.protocols import ObjectInfo
from app.foundation.storage.s3_errors import is_out_of_range, s3_errors
from app.foundation.storage.s3_requests import S3Requests, etag_of, info_of

if TYPE_CHECKING:
    from botocore.response import StreamingBody

_READ_BYTES = 1 << 20


class S3Reader:
    """The bytes from `start` up to but without `end`, all of one version of the object.

    An answer that breaks off is asked for again from where it broke, under the ETag of the first
    one: botocore tries requests again, but not what comes after an answer's head.
    """

    def __init__(
        self,
        requests: S3Requests,
        key: str,
        *,
        start: int = 0,
        end: int | None = None,
        if_match: str | None = None,
    ) -> None:
        self._requests = requests
        self._key = key
        self._at = start
        self._end = end
        self._etag = if_match
        self._body: StreamingBody | None = None
        self._tries_left = requests.attempts
        self._info: ObjectInfo | None = None

    def next_block(self) -> bytes:
        """Up to 1 MiB; nothing at the end.

        Raises:
            NotFound: there is no such object.
            Changed: it has another ETag than `if_match`, or was replaced since it broke off.
            StoreUnavailable: it broke off too often.
        """
        if self._body is None and self.is_done and self._info is not None:
            return b""
        while (body := self._body or self._open()) is not None:
            try:
                return self._read(body)
            except FlexibleChecksumError as error:
                raise StoreUnavailable(f"the bytes of {self._key!r} came damaged") from error
            except (BotoCoreError, HTTPError) as error:
                self.close()
                self._tries_left -= 1
                if self._tries_left < 1:
                    raise StoreUnavailable(f"the answer broke off: {error}") from error
                self._requests.budget.spend()
        return b""

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    @property
    def known_info(self) -> ObjectInfo:
        """Of a reader without `start` and `end`, once `next_block` was called."""
        if self._info is None:
            raise RuntimeError("nothing was read yet")
        return self._info

    @property
    def is_done(self) -> bool:
        return self._end is not None and self._at >= self._end

    def _read(self, body: "StreamingBody") -> bytes:
        block = body.read(_READ_BYTES)
        self._at += len(block)
        if self.is_done:
            # What is behind the last byte is the comparison of the checksum, where there is one.
            body.read(1)
            self.close()
        return block

    def _open(self) -> "StreamingBody | None":
        """The body from here on, unless there is nothing to read."""
        asked: dict[str, Any] = self._requests.place(self._key)
        if self._etag is not None:
            asked["IfMatch"] = f'"{self._etag}"'
        if self._end is not None and self._end <= self._at:
            with s3_errors(self._key):
                self._requests.client.head_object(**asked)
            return None
        if self._at or self._end is not None:
            last = "" if self._end is None else self._end - 1
            asked["Range"] = f"bytes={self._at}-{last}"
        with s3_errors(self._key):
            try:
                answer = self._requests.client.get_object(**asked)
            except ClientError as error:
                if is_out_of_range(error):
                    return None
                raise
        body: StreamingBody = answer["Body"]
        self._body = body
        self._etag = etag_of(answer)
        total = answer.get("ContentRange", "").rpartition("/")[2]
        size = int(total) if total else answer["ContentLength"]
        self._end = size if self._end is None else min(self._end, size)
        if self._info is None:
            self._info = replace(info_of(self._key, answer), size=size)
        return body
