"""Which server the command line talks to, with which key, and what it remembers where."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.local.state_folder import StateFolder, read_json

DEFAULT_SERVER = "http://127.0.0.1:8000"
STATE_NAME = ".spool"


@dataclass(frozen=True, slots=True)
class Config:
    """The options that stand before a command.

    Args:
        server: Base URL; None takes that of the Spool that runs on the state folder.
        api_key: None takes that of the state folder's first account.
        state: The state folder; None looks for `.spool` here and in the folders above.
        user_state: Where programs keep a user's state (XDG_STATE_HOME).
    """

    server: str | None
    api_key: str | None
    state: Path | None
    user_state: Path | None

    @property
    def folder(self) -> StateFolder:
        """The state folder, which need not be there."""
        if self.state is not None:
            return StateFolder(self.state)
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / STATE_NAME).is_dir():
                return StateFolder(folder / STATE_NAME)
        return StateFolder(here / STATE_NAME)

    @property
    def server_url(self) -> str:
        running = self.folder.running() or {}
        return (self.server or running.get("url") or DEFAULT_SERVER).rstrip("/")

    @property
    def key(self) -> str | None:
        if self.api_key:
            return self.api_key
        # The key of the local account is for the local server only.
        return None if self.server else self._account.get("api_key")

    @property
    def uploads(self) -> Path:
        """Folder of uploads that were begun and not ended."""
        folder = self.folder
        if folder.path.is_dir():
            return folder.uploads
        return (self.user_state or Path.home() / ".local" / "state") / "spool" / "uploads"

    @property
    def _account(self) -> Mapping[str, Any]:
        return read_json(self.folder.account) or {}
