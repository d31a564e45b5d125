"""One file from this machine to an asset: begun, or gone on with, and completed."""

import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.api import Api, Json
from app.cli.errors import BadUsage, CommandFailed, Refused
from app.cli.resume import Begun, SourceFile, UploadMemory
from app.cli.transfer import Transfer

# A restart of the server in the middle is no reason to bother anybody.
PATIENCE_SECONDS = 60.0
_OPEN = {"waiting", "uploading"}
_ARRIVED = {"verifying", "completed"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person can say about a file that is uploaded."""

    title: str | None = None
    signed: bool = False
    checksum: bool = False


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that the server has.

    Args:
        size: Bytes of the file.
        sent: Bytes that this run sent; less when it went on with an earlier one.
    """

    asset_id: str
    upload_id: str
    size: int
    sent: int


class Uploader:
    """Uploads files by way of one API.

    Args:
        progress: Told how many bytes of the file the store has or was sent, and of how many.
    """

    def __init__(
        self, api: Api, memory: UploadMemory, progress: Callable[[int, int], None]
    ) -> None:
        self._api = api
        self._memory = memory
        self._progress = progress

    def upload(self, path: Path, wishes: Wishes) -> Uploaded:
        """Sends what the store does not have of a file yet, and completes its upload.

        Raises:
            BadUsage: there is no such file.
            Unreachable, Refused: the server is away or does not take it.
            CommandFailed: the file changed meanwhile.
            KeyboardInterrupt: the next call with the same file goes on from here.
        """
        source = self._stat(path)
        begun, upload = self._begin(source, wishes)
        upload_id, asset_id = upload["id"], upload["asset_id"]
        sent = 0
        if upload["state"] in _OPEN:
            sent = self._send_missing(source, upload)
            if SourceFile.of(path) != source:
                self._abandon(source, begun)
                raise CommandFailed(
                    f"{path} changed while it was sent, so the upload was called off.",
                    "Upload it again when nothing writes to it any more.",
                )
            self._api.post(f"/v1/uploads/{upload_id}/complete")
        self._memory.forget(source)
        return Uploaded(asset_id, upload_id, source.size, sent)

    def _stat(self, path: Path) -> SourceFile:
        try:
            if path.is_file():
                return SourceFile.of(path)
        except OSError as error:
            raise BadUsage(f"{path} cannot be read: {error.strerror}.") from error
        raise BadUsage(f"{path} is a folder." if path.is_dir() else f"There is no file {path}.")

    def _begin(self, source: SourceFile, wishes: Wishes) -> tuple[Begun, Json]:
        """The upload to go on with, or a new one."""
        begun = self._memory.find(source)
        if begun is not None and begun.upload_id is not None:
            upload = self._find(begun.upload_id)
            if upload is not None:
                return begun, upload
            begun = None
        if begun is None:
            begun = Begun(_request(source, wishes))
            self._memory.keep(source, begun)
        upload = self._create(source, begun)
        begun = begun.created(upload["id"], upload["asset_id"])
        self._memory.keep(source, begun)
        return begun, upload

    def _find(self, upload_id: str) -> Json | None:
        """An upload that takes parts yet, or has them all; None when it is of no use."""
        try:
            upload = self._api.get(f"/v1/uploads/{upload_id}")
        except Refused as error:
            if error.status in {404, 410}:
                return None
            raise
        return upload if upload["state"] in _OPEN | _ARRIVED else None

    def _create(self, source: SourceFile, begun: Begun) -> Json:
        try:
            return self._api.post("/v1/uploads", begun.request, once=begun.once)
        except Refused as error:
            if error.status < 500:
                self._memory.forget(source)
            raise

    def _send_missing(self, source: SourceFile, upload: Json) -> int:
        """Sends what is missing; the bytes that took."""
        stored = self._api.get(f"/v1/uploads/{upload['id']}/parts")
        missing = set(stored["missing"])
        there = sum(part["size_bytes"] for part in stored["items"] if part["number"] not in missing)
        gone = 0

        def sent(count: int) -> None:
            nonlocal gone
            gone += count
            self._progress(there + gone, source.size)

        sent(0)
        transfer = Transfer(
            self._api,
            upload["id"],
            source.path,
            upload["part_bytes"],
            patience=PATIENCE_SECONDS,
            sent=sent,
        )
        transfer.send(sorted(missing))
        return gone

    def _abandon(self, source: SourceFile, begun: Begun) -> None:
        self._memory.forget(source)
        if begun.upload_id is not None:
            self._api.delete(f"/v1/uploads/{begun.upload_id}")


def _request(source: SourceFile, wishes: Wishes) -> dict[str, Any]:
    request: dict[str, Any] = {
        "filename": source.path.name.encode(errors="replace").decode(),
        "size_bytes": source.size,
        "content_type": mimetypes.guess_type(source.path.name)[0] or "application/octet-stream",
        "playback_policy": "signed" if wishes.signed else "public",
    }
    if wishes.title:
        request["title"] = wishes.title
    if wishes.checksum:
        with source.path.open("rb") as file:
            request["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return request
