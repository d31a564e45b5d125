"""Which parts of a multipart upload are whole, in one file that only grows. Everything here blocks.

A line is `<number> <size> <etag> <file>;`, appended by one write and synced before the part is
acknowledged: a line without its end never counts. The last line of a number holds. A size of -1
strikes the part out.
"""

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.foundation.storage.protocols import Part

# A part in its own place in the data file has no file of its own.
IN_PLACE = "-"


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """A part, and where its bytes are: IN_PLACE, or the name of a file beside the journal."""

    part: Part
    file: str


class PartJournal:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[int, ReceivedPart]:
        """The parts by number.

        Raises:
            FileNotFoundError: the upload is gone.
        """
        found: dict[int, ReceivedPart] = {}
        for line in self._path.read_text().splitlines():
            fields = line.removesuffix(";").split(" ")
            if not line.endswith(";") or len(fields) != 4:
                continue
            number, size = int(fields[0]), int(fields[1])
            found.pop(number, None)
            if size >= 0:
                found[number] = ReceivedPart(Part(number, size, fields[2]), fields[3])
        return dict(sorted(found.items()))

    def append(self, received: ReceivedPart) -> ReceivedPart | None:
        """Records a part durably and gives the record that it replaces."""
        part = received.part
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            replaced = self.read().get(part.number)
            self._write(file.fileno(), f"{part.number} {part.size} {part.etag} {received.file};")
            fcntl.flock(file, fcntl.LOCK_UN)
            os.fdatasync(file.fileno())
        return replaced

    def strike_out(self, numbers: Iterable[int]) -> None:
        """Forgets parts, durably."""
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for number in numbers:
                self._write(file.fileno(), f"{number} -1 - -;")
            os.fdatasync(file.fileno())

    @staticmethod
    def _write(descriptor: int, line: str) -> None:
        # The newline comes first: what a power cut left of a line ends there.
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, f"\n{line}".encode())
