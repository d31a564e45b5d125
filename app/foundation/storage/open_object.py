"""One version of an object, held open. Everything here blocks."""

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from app.foundation.storage.errors import Changed, NotFound, StoreUnavailable
from app.foundation.storage.files import store_errors
from app.foundation.storage.metadata import info_of


class OpenObject:
    """The open file of an object: its bytes stay, whatever is put under the key meanwhile.

    Raises:
        NotFound: there is no object.
        Changed: its ETag is not `if_match`.
    """

    def __init__(self, key: str, path: Path, *, if_match: str | None = None) -> None:
        with store_errors():
            try:
                self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise NotFound(key) from error
            status = os.fstat(self.descriptor)
            if not stat.S_ISREG(status.st_mode):
                self.close()
                raise NotFound(key)
            self.info = info_of(key, self.descriptor, status)
            if if_match not in (None, self.info.etag):
                self.close()
                raise Changed(key)

    def read(self, start: int, count: int) -> bytes:
        """The bytes from `start`, as many as asked for except at the end."""
        with store_errors():
            block = os.pread(self.descriptor, count, start)
        if not block and start < self.info.size:
            raise StoreUnavailable(f"the file of {self.info.key!r} was cut from outside")
        return block

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
