"""A process of Spool that is kept running: the API, the worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_LOG_KEPT_BYTES = 16 * 1024 * 1024
_LOG_LINES_SHOWN = 20
_BACKOFF_FIRST_SECONDS = 0.5
_BACKOFF_MOST_SECONDS = 30.0
# Who has run for so long starts again at once, however often it died before.
_STEADY_SECONDS = 60.0


class Child:
    """A Python module as a process in a session of its own, with its log.

    `warm_up` starts the process, which imports what it needs; `start` lets it run.

    Args:
        name: What people call it.
        module: Has a function `main`; see `app.local.attached`.
        log: File that takes its standard output and error.
    """

    def __init__(self, name: str, module: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._restart_at: float | None = None
        self._backoff = 0.0

    def warm_up(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_KEPT_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # -P: what lies in the current folder is no part of Spool.
                [sys.executable, "-P", "-m", "app.local.attached", str(os.getpid()), self._module],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for us alone: we stop them one after the other.
                start_new_session=True,
            )
        self._restart_at = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Lets it run.

        Args:
            environment: Added to ours, which it has, so that `spool up` takes every setting.
        """
        if self._process is None or self._process.poll() is not None:
            self.warm_up()
        self._started = time.monotonic()
        settings = self._process.stdin if self._process else None
        if settings is not None:
            # A process that has died meanwhile is noticed by who watches it.
            with suppress(BrokenPipeError), settings:
                settings.write(json.dumps(environment).encode())

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def died(self) -> str | None:
        """How the process ended, once it has; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        status = self._process.returncode
        if status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def keep_running(self, environment: Mapping[str, str]) -> str | None:
        """Starts it again when it has died and its pause is over.

        Args:
            environment: See `start`.

        Returns:
            What there is to tell, at the moment the death is noticed.
        """
        how = self.died()
        if how is None:
            return None
        now = time.monotonic()
        if self._restart_at is None:
            steady = now - self._started > _STEADY_SECONDS
            self._backoff = _BACKOFF_FIRST_SECONDS if steady else self._next_backoff()
            self._restart_at = now + self._backoff
            return f"{self.name} {how}; starting it again in {self._backoff:g} s. See {self.log}"
        if now >= self._restart_at:
            self.start(environment)
        return None

    def stop(self, seconds: float) -> None:
        """Asks it to end; kills it and what it started when it has not after so long."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None

    def last_words(self) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 16 * 1024))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES_SHOWN:])

    def _next_backoff(self) -> float:
        return min(_BACKOFF_MOST_SECONDS, max(_BACKOFF_FIRST_SECONDS, 2 * self._backoff))
