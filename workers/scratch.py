"""Disk space for work in progress, which a killed worker gives back at the next start."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_LOCK = "lock"
# A folder without its lock belongs to a worker that is just starting.
_STARTING_SECONDS = 60.0


class ScratchSpace:
    """A folder of this process below `root`, held by a lock that ends with the process.

    Args:
        root: Shared by the workers of a machine; the system's place for temporary files if None.
    """

    def __init__(self, root: Path | None) -> None:
        # The system's place is everybody's, so a folder in it is one person's.
        self._root = root or Path(tempfile.gettempdir()) / f"spool-scratch-{os.getuid()}"
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="worker-", dir=self._root))
        self._lock = (self._folder / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def new_folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))

    def sweep(self) -> int:
        """Removes the folders of workers that are dead; says how many those were."""
        swept = 0
        for folder in self._root.glob("worker-*"):
            if folder != self._folder and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
        return swept

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        try:
            return time.time() - folder.stat().st_mtime > _STARTING_SECONDS
        except FileNotFoundError:
            return False
    return True
