"""What is remembered of an upload from before its first request to its end.

A file that is sent again, after Ctrl-C or a crash of either side, is recognised by its path, size
and time of change. What was begun for it is then gone on with, and a file that has changed since
is a new upload.
"""

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from app.local.state_folder import read_json, write_private


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its upload began."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises: OSError."""
        status = path.stat()
        return cls(path.resolve(), status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload that was begun, or is about to be.

    Args:
        request: The body that created it, and creates it again.
        once: The Idempotency-Key of that request.
        upload_id: Once the server has said.
    """

    request: dict[str, Any]
    once: str = field(default_factory=lambda: str(uuid.uuid4()))
    upload_id: str | None = None
    asset_id: str | None = None

    def created(self, upload_id: str, asset_id: str) -> "Begun":
        return replace(self, upload_id=upload_id, asset_id=asset_id)


class UploadMemory:
    """A file per upload that has not ended, in a folder.

    Args:
        server: Uploads to another server are others.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = server

    def find(self, source: SourceFile) -> Begun | None:
        kept = read_json(self._file(source))
        return None if kept is None else Begun(**kept["begun"])

    def keep(self, source: SourceFile, begun: Begun) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "path": str(source.path),
            "server": self._server,
            "begun": {
                "request": begun.request,
                "once": begun.once,
                "upload_id": begun.upload_id,
                "asset_id": begun.asset_id,
            },
        }
        write_private(self._file(source), content)

    def forget(self, source: SourceFile) -> None:
        self._file(source).unlink(missing_ok=True)

    def _file(self, source: SourceFile) -> Path:
        identity = f"{self._server}\0{source.path}\0{source.size}\0{source.mtime_ns}"
        name = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()[:32]
        return self._folder / f"{name}.json"
