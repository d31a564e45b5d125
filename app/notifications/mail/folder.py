"""Mail as files, for one machine and for looking at it."""

import os
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from app.notifications.channels import Failed, Outcome


class FolderTransport:
    """Writes each mail as `<message id>.eml`; one that is sent again takes the place of itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, messages: Sequence[EmailMessage]) -> Sequence[Outcome]:
        return [self._write(message) for message in messages]

    def _write(self, message: EmailMessage) -> Outcome:
        name = message["Message-ID"].strip("<>").partition("@")[0]
        path = self._folder / f"{name}.eml"
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(message.as_bytes())
            draft.replace(path)
        except OSError as error:
            return Failed(f"{self._folder}: {error.strerror}")
        return None

    def close(self) -> None: ...
