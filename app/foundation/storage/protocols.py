"""What an object store does: a small core, and what only some stores or callers need apart.

`ObjectStore` is the core. `MultipartStore` takes an object in parts, `SignedUrls` lets somebody
without credentials read or write one object for a while, `LocalFiles` gives away the file itself.
A function asks for the least that it uses; a composition root picks the store that has it all.

The semantics are those of S3, which the one-machine store keeps too:
- an object appears whole or not at all, under one key, and is replaced whole;
- a key is what `keys.validate_key` lets through; every method raises InvalidKey otherwise;
- no key is the folder of another (`a` beside `a/b`): stores of folders raise InvalidKey, S3 itself
  does not, and nobody may count on either;
- ETags are opaque: equal ETags of one key mean equal bytes, no more;
- parts have numbers from 1 to 10 000 and at least 5 MiB, except the last one;
- every method may raise StoreUnavailable, and OutOfSpace where it writes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10_000
MAX_PART_BYTES = 5 * 1024**3
DEFAULT_CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Args:
        size: Bytes.
        etag: Opaque, without quotes.
    """

    key: str
    size: int
    etag: str
    content_type: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A part that the store has whole and durably.

    Args:
        number: 1 to 10 000, its place in the object.
        size: Bytes.
        etag: Opaque, without quotes; the same for the same bytes.
    """

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """A multipart upload that was begun and neither completed nor aborted."""

    key: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that whoever has it may make until it expires.

    Args:
        headers: Must be sent as they are: they are signed too.
    """

    method: str
    url: str
    expires_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """Objects under keys."""

    async def put(
        self,
        key: str,
        data: bytes | AsyncIterator[bytes],
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        if_absent: bool = False,
    ) -> ObjectInfo:
        """Stores an object, durably when this returns.

        Raises:
            AlreadyExists: `if_absent`, and there is an object; of writers at once, one wins.
        """

    async def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        consume: bool = False,
    ) -> ObjectInfo:
        """Stores a file's bytes.

        With `consume` the caller is done with the file: the store may move it instead of copying,
        and the path is gone afterwards. Nobody may have it open for writing.
        """

    async def head(self, key: str) -> ObjectInfo:
        """Raises NotFound."""

    def read(
        self, key: str, *, start: int = 0, end: int | None = None, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but without `end`, in blocks; clamped to the size.

        All blocks are of one version of the object, whatever is put meanwhile.

        Raises:
            NotFound: at the first block.
            Changed: at the first block: the ETag is not `if_match`.
        """

    async def download(self, key: str, path: Path) -> ObjectInfo:
        """Writes the object to a new file, which appears whole or not at all.

        Raises:
            NotFound: as it says.
        """

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Raises NotFound."""

    async def delete(self, *keys: str) -> None:
        """Deletes what is there of these."""

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """The objects whose key begins with the prefix, in the order of the keys' UTF-8.

        Their content type may be guessed from the key; `head` knows it.
        """

    async def delete_prefix(self, prefix: str) -> int:
        """Deletes what `list` would show and says how many they were."""

    async def check(self) -> None:
        """Returns when the store can be written and read; for readiness.

        Raises:
            StoreUnavailable: with the reason.
        """


class MultipartStore(Protocol):
    """Objects in parts, which arrive in any order and at once (`sign_part`, `put_part`)."""

    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        part_size: int | None = None,
    ) -> str:
        """Begins an upload and gives its id.

        `part_size` is the bytes of every part but the last, which may have fewer. A caller who
        tells it lets the one-machine store complete without copying; parts of other sizes are
        taken all the same. S3 has no use for it.
        """

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
        """Stores a part, durably when this returns; a part of the same number is replaced.

        For what reaches us instead of the store: tus, data streams, and the one-machine store's
        own routes.

        Args:
            content_length: The bytes that the sender announces.
            size: The bytes that the part must have.

        Raises:
            NoSuchUpload: also when the upload is completed or aborted meanwhile.
            PartInvalid: the number cannot be one.
            PartTooLarge: more bytes are announced, or come, than the part may have.
            PartMismatch: fewer are announced than it must have.
            Incomplete: fewer come than were announced.
        """

    async def list_parts(self, key: str, upload_id: str) -> list[Part]:
        """The parts received so far, by number; what a client that resumes need not send.

        Raises:
            NoSuchUpload: as it says.
        """

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part]
    ) -> ObjectInfo:
        """Makes the object of these parts, durably; others that were received are dropped.

        If the process dies meanwhile, call it again; NoSuchUpload beside an object under the key
        then means that it was done.

        Raises:
            PartMissing: one was not received, or the list is empty.
            PartTooSmall: one that is not the last has less than 5 MiB.
            PartMismatch: one has another ETag or size, or the numbers do not ascend.
            NoSuchUpload: as it says.
        """

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Frees what the upload holds; does nothing when it is completed or aborted."""

    def list_multiparts(self, prefix: str) -> AsyncIterator[MultipartUpload]:
        """The unfinished uploads to keys with this prefix; for the sweep of orphans."""


class SignedUrls(Protocol):
    """Requests for those who have no credentials.

    Making one asks nobody: it may be for a key that does not exist.
    """

    def sign_get(self, key: str, *, expires: timedelta, filename: str | None = None) -> str:
        """A URL that reads the object, ranges too.

        With a `filename` the browser saves the object under that name instead of showing it.
        """

    def sign_put(
        self,
        key: str,
        *,
        expires: timedelta,
        size: int | None = None,
        content_type: str = DEFAULT_CONTENT_TYPE,
    ) -> SignedRequest:
        """A request that stores the object, of exactly `size` bytes where that is given."""

    def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        *,
        expires: timedelta,
        size: int | None = None,
    ) -> SignedRequest:
        """A request that stores a part, of exactly `size` bytes where that is given.

        Its answer has the part's ETag in the header ETag, in quotes.
        """


@runtime_checkable
class LocalFiles(Protocol):
    """The object's file itself, where there is one on this machine."""

    def local_path(self, key: str) -> Path:
        """A file to read, never to write, with the bytes of the object while it exists.

        Raises:
            NotFound: as it says.
        """


@runtime_checkable
class TemporaryFiles(Protocol):
    """Files of bodies on their way, which a killed process leaves in the store."""

    async def sweep_temporary(self, *, older_than: timedelta) -> int:
        """Deletes what killed writers left behind, and says how many files that were."""


class Store(ObjectStore, MultipartStore, SignedUrls, Protocol):
    """What every store of ours has; for composition roots."""

    def close(self) -> None:
        """Gives back threads and connections; the store takes no more calls."""
