"""The folder of one multipart upload, and how its parts become a file. Everything here blocks.

    upload.json  key, content type, part size, time
    data         the file that will be the object
    parts        the journal of parts that are whole
    fence        a lock: held shared to write into `data`, exclusively to complete
    00003.claim  part 3 was begun in its place in `data`
    00003.<hex>  part 3 in a file of its own

A part is written straight to its place in `data` the first time it is sent, so that completing
is a rename. Sent again, it goes to a file of its own: what was acknowledged is never overwritten,
whatever becomes of the second body. Completing copies such parts into place.

Completing first renames `data`; a writer looks for that name, under the lock, before each write.
So a body that is still arriving cannot reach into the finished object.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Self

from app.foundation.storage.errors import NoSuchUpload, PartMismatch, PartMissing, PartTooSmall
from app.foundation.storage.files import copy_bytes, discard, store_errors, sync_folder
from app.foundation.storage.part_journal import IN_PLACE, PartJournal, ReceivedPart
from app.foundation.storage.protocols import MIN_PART_BYTES, Part


@dataclass(frozen=True, slots=True)
class UploadDescription:
    """What was said when the upload began; the time in seconds since 1970."""

    key: str
    content_type: str
    part_size: int | None
    initiated: float


class UploadFolder:
    """An upload's folder, which other processes may change or remove at any time.

    Raises:
        NoSuchUpload: by every method that finds it gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.upload_id = path.name
        self.data = path / "data"
        self._completing = path / "data.completing"
        self._journal = PartJournal(path / "parts")

    @classmethod
    def create(cls, parent: Path, temporary: Path, description: UploadDescription) -> Self:
        upload_id = secrets.token_hex(16)
        with store_errors():
            new = temporary / upload_id
            new.mkdir()
            for name in ("data", "parts", "fence"):
                (new / name).touch(mode=0o644)
            with (new / "upload.json").open("w") as file:
                json.dump(asdict(description), file)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(new)
            new.rename(parent / upload_id)
            sync_folder(parent)
        return cls(parent / upload_id)

    def describe(self) -> UploadDescription:
        with self.present():
            return UploadDescription(**json.loads((self.path / "upload.json").read_text()))

    def received(self) -> dict[int, ReceivedPart]:
        """The parts that are whole, by ascending number."""
        with self.present():
            if not self.data.exists() and not self._completing.exists():
                raise NoSuchUpload(self.upload_id)
            return self._journal.read()

    def record(self, received: ReceivedPart) -> None:
        """Counts a part whose bytes are synced; to be called while `writable`."""
        with self.present():
            if received.file != IN_PLACE:
                sync_folder(self.path)
            replaced = self._journal.append(received)
        if replaced and replaced.file not in (IN_PLACE, received.file):
            discard(self.path / replaced.file)

    def claim_place(self, number: int) -> bool:
        """Whether the caller is the first to send this part and may write it to its place."""
        with self.present():
            try:
                (self.path / f"{number:05}.claim").touch(exist_ok=False)
            except FileExistsError:
                return False
            # A claim is not synced: a power cut may take it and leave the part.
            received = self._journal.read().get(number)
        return received is None or received.file != IN_PLACE

    def release_place(self, number: int) -> None:
        """Lets the next sender of a part that was cut off have its place."""
        discard(self.path / f"{number:05}.claim")

    def open_fence(self) -> int:
        with self.present():
            if not self.data.exists():
                self._resume_after_crash()
            return os.open(self.path / "fence", os.O_RDWR | os.O_CLOEXEC)

    @contextmanager
    def writable(self, fence: int) -> Iterator[None]:
        """Holds off completion for one write, to `data` or to the journal."""
        try:
            fcntl.flock(fence, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NoSuchUpload(self.upload_id) from error
        try:
            if not self.data.exists():
                raise NoSuchUpload(self.upload_id)
            yield
        finally:
            fcntl.flock(fence, fcntl.LOCK_UN)

    @contextmanager
    def assembled(self, parts: Sequence[Part]) -> Iterator[Path]:
        """A file made of these parts, for the caller to move away; the folder goes after that.

        Raises:
            PartMissing: and PartTooSmall, PartMismatch, as in MultipartStore.
        """
        self._choose(parts)
        with self.present(), (self.path / "fence").open("rb") as fence:
            with suppress(FileNotFoundError):
                self.data.rename(self._completing)
            fcntl.flock(fence, fcntl.LOCK_EX)
            if not self._completing.exists():
                raise NoSuchUpload(self.upload_id)
            try:
                yield self._assemble(self._choose(parts))
            except BaseException:
                # Neither lost nor stuck: parts may be sent again, and completion tried again.
                with suppress(FileNotFoundError):
                    self._completing.rename(self.data)
                raise
        discard(self.path)

    def abort(self, trash: Path) -> None:
        with store_errors():
            try:
                self.path.rename(trash / self.upload_id)
            except FileNotFoundError:
                return
        discard(trash / self.upload_id)

    @contextmanager
    def present(self) -> Iterator[None]:
        """Takes a missing file for a missing upload."""
        with store_errors():
            try:
                yield
            except FileNotFoundError as error:
                raise NoSuchUpload(self.upload_id) from error

    def _resume_after_crash(self) -> None:
        """Undoes the first step of a completion whose process died."""
        with (self.path / "fence").open("rb") as fence, suppress(BlockingIOError):
            fcntl.flock(fence, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._completing.rename(self.data)

    def _choose(self, parts: Sequence[Part]) -> list[ReceivedPart]:
        known = self.received()
        if not parts:
            raise PartMissing(1, "an object has at least one part")
        chosen: list[ReceivedPart] = []
        for part in parts:
            if chosen and part.number <= chosen[-1].part.number:
                raise PartMismatch(part.number, "the numbers have to ascend")
            if part.number not in known:
                raise PartMissing(part.number, "it was not received whole")
            if known[part.number].part != part:
                raise PartMismatch(part.number, "what was received has another ETag or size")
            chosen.append(known[part.number])
        for part in parts[:-1]:
            if part.size < MIN_PART_BYTES:
                raise PartTooSmall(part.number, f"less than {MIN_PART_BYTES} bytes, and not last")
        return chosen

    def _assemble(self, chosen: list[ReceivedPart]) -> Path:
        part_size = self.describe().part_size or 0
        ends = list(accumulate(received.part.size for received in chosen))
        placed = list(zip(chosen, [0, *ends[:-1]], strict=True))
        if all(
            received.file != IN_PLACE or offset == (received.part.number - 1) * part_size
            for received, offset in placed
        ):
            # What is not chosen gets overwritten or cut off. It must not count any more, should
            # this break off and be tried with other parts.
            numbers = {received.part.number for received in chosen}
            self._journal.strike_out(self._journal.read().keys() - numbers)
            target = self._completing
            placed = [
                (received, offset) for received, offset in placed if received.file != IN_PLACE
            ]
        else:
            target = self.path / "data.assembled"
            target.unlink(missing_ok=True)
            target.touch(mode=0o644)
        with target.open("r+b") as file:
            for received, offset in placed:
                self._copy_part(received, part_size, file.fileno(), offset)
            file.truncate(ends[-1])
        return target

    def _copy_part(self, received: ReceivedPart, part_size: int, target: int, offset: int) -> None:
        part = received.part
        in_place = received.file == IN_PLACE
        begin = (part.number - 1) * part_size if in_place else 0
        source_path = self._completing if in_place else self.path / received.file
        with source_path.open("rb") as source:
            copy_bytes(source.fileno(), target, begin=begin, count=part.size, offset=offset)
