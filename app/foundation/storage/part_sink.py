"""One part on its way in: checked, hashed, written and counted. Everything here blocks."""

import os
import secrets
import zlib

from app.foundation.storage.errors import Incomplete, PartTooLarge
from app.foundation.storage.files import discard, store_errors
from app.foundation.storage.part_journal import IN_PLACE, ReceivedPart
from app.foundation.storage.protocols import MAX_PART_BYTES, Part
from app.foundation.storage.streams import FileSink
from app.foundation.storage.upload_folder import UploadFolder


class PartSink(FileSink):
    """Writes a part to its place if that is free, else to a file of its own.

    Args:
        size: The bytes that the part must have, if that is known.
        part_size: The upload's, if it has one.

    Raises:
        NoSuchUpload: here, or later when the upload is completed or aborted meanwhile.
        OutOfSpace: here already, where the size is known.
    """

    def __init__(
        self, folder: UploadFolder, number: int, *, size: int | None, part_size: int | None
    ) -> None:
        self._folder = folder
        self._number = number
        self._expected = size
        self._limit = MAX_PART_BYTES if size is None else size
        # It has to tell a part sent again from another one, and to cost nothing beside the write:
        # MD5 and its like are slower than the disks they would guard. Clients keep it opaque.
        self._checksum = 0
        self._counted = False
        self._fence = folder.open_fence()
        # A part of unknown length might run into the next one's place.
        fits = size is not None and part_size is not None and size <= part_size
        try:
            self._in_place = fits and folder.claim_place(number)
            self._name = IN_PLACE if self._in_place else f"{number:05}.{secrets.token_hex(4)}"
            path = folder.data if self._in_place else folder.path / self._name
            offset = (number - 1) * (part_size or 0) if self._in_place else 0
            with folder.present():
                flags = os.O_RDWR | os.O_CLOEXEC | (0 if self._in_place else os.O_CREAT)
                super().__init__(os.open(path, flags, 0o644), offset=offset)
        except BaseException:
            os.close(self._fence)
            raise
        if size and hasattr(os, "posix_fallocate"):
            try:
                with store_errors():
                    os.posix_fallocate(self.descriptor, offset, size)
            except BaseException:
                self.discard()
                raise

    def finish(self) -> Part:
        """Counts the part, durably.

        Raises:
            Incomplete: it is shorter than it must be.
            NoSuchUpload: the upload was completed or aborted meanwhile.
        """
        if self._expected is not None and self.size != self._expected:
            raise Incomplete(f"{self.size} of {self._expected} bytes came")
        part = Part(self._number, self.size, f"{self._checksum:08x}-{self.size:x}")
        with store_errors():
            os.fdatasync(self.descriptor)
        with self._folder.writable(self._fence):
            # From here on it may be in the journal, even if this fails: its bytes have to stay.
            self._counted = True
            self._folder.record(ReceivedPart(part, self._name))
        return part

    def discard(self) -> None:
        """Closes, and takes back what was not counted."""
        self.close()
        os.close(self._fence)
        if self._counted:
            return
        if self._in_place:
            self._folder.release_place(self._number)
        else:
            discard(self._folder.path / self._name)

    def _take(self, data: bytes) -> None:
        if self.size + len(data) > self._limit:
            raise PartTooLarge(self._number, f"more than {self._limit} bytes came")
        self._checksum = zlib.crc32(data, self._checksum)
        if self._in_place:
            with self._folder.writable(self._fence):
                super()._take(data)
        else:
            super()._take(data)
