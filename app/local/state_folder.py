"""What Spool keeps on one machine, in one folder that nobody else may read.

postgres/       the embedded PostgreSQL
store/          the object store: sources, segments, images
signing.json    the keys of tokens and signed URLs, made on first use
account.json    the first account with its API key
logs/           what the API and the worker say
uploads/        uploads that were begun and not ended, by the command line
running.json    who runs here now, and where it listens
lock            held by whoever runs here
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_POLL_SECONDS = 0.05


class AlreadyRunning(Exception):
    """Another `spool up` has this folder.

    Args:
        url: Where it listens; None while it starts.
    """

    def __init__(self, folder: Path, pid: int | None, url: str | None) -> None:
        super().__init__(f"Spool runs on {folder} already")
        self.folder = folder
        self.pid = pid
        self.url = url


class StateFolder:
    """Paths and small files of a state folder; `create` makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.postgres = self.path / "postgres"
        self.store = self.path / "store"
        self.scratch = self.path / "scratch"
        self.logs = self.path / "logs"
        self.uploads = self.path / "uploads"
        self.account = self.path / "account.json"
        self._signing = self.path / "signing.json"
        self._running = self.path / "running.json"

    def create(self) -> None:
        for folder in (self.path, self.store, self.scratch, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self, *, patience: float = 0.0) -> Iterator[None]:
        """Holds the folder; a process that dies lets go of it.

        Args:
            patience: Seconds to wait for a holder that is not known to run: it ends, or begins.

        Raises:
            AlreadyRunning: somebody else holds it.
        """
        deadline = time.monotonic() + patience
        with (self.path / "lock").open("w") as lock:
            while not _locks(lock):
                running = self.running()
                runs = running is not None and _exists(running["pid"])
                if runs or time.monotonic() > deadline:
                    told = running if running is not None and runs else {}
                    raise AlreadyRunning(self.path, told.get("pid"), told.get("url"))
                time.sleep(_POLL_SECONDS)
            self._running.unlink(missing_ok=True)
            try:
                yield
            finally:
                self._running.unlink(missing_ok=True)

    def announce(self, url: str | None) -> None:
        """Tells the command line that we run here, and where; None while we start."""
        write_private(self._running, {"pid": os.getpid(), "url": url})

    def running(self) -> Mapping[str, Any] | None:
        """`pid` and `url` of who runs here, as far as it has said; may be out of date."""
        return read_json(self._running)

    def signing_keys(self) -> tuple[Mapping[str, str], str]:
        """Keys by key id, and the id of the one that signs.

        To rotate, add a key to the file and name it as current; the old one goes when nothing
        that it signed is in use any more.
        """
        kept = read_json(self._signing)
        if kept is None:
            name = secrets.token_hex(4)
            kept = {"current": name, "keys": {name: secrets.token_urlsafe(48)}}
            write_private(self._signing, kept)
        return kept["keys"], kept["current"]


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None where there is none."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return content


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Writes JSON that only we may read, whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
