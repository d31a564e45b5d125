"""Spool on one machine: PostgreSQL, the API and a worker, started, kept running and stopped.

Whatever dies is started again. What is stopped, is stopped in the order in which it needs each
other: the worker, the API, PostgreSQL.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.local.child import Child
from app.local.ports import free_port
from app.local.postgres import LocalPostgres
from app.local.postgres_host import PostgresError
from app.local.schema import migrate
from app.local.state_folder import StateFolder
from app.local.warden import DISMISSED

Say = Callable[[str], None]

_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.25
_READY_SECONDS = 60.0
_WORKER_STOPS_SECONDS = 7.0
# Uvicorn gives open streams 3 s.
_API_STOPS_SECONDS = 3.5
# What a predecessor that was killed leaves behind is being stopped for as long as this.
_PREDECESSOR_SECONDS = 30.0
_POSTGRES_RETRY_SECONDS = 2.0


class StartFailed(Exception):
    """Spool did not come up; the message says what failed and shows the end of its log."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run Spool here.

    Args:
        state: The state folder; made when missing.
        port: Where the API listens; the next free port is taken when that is taken.
        database_url: A PostgreSQL to use instead of the embedded one.
        migration_database_url: Of the owner of that one's schema, if it is another login.
        public_url: What clients put before a path; by default where the API listens.
        scratch: Where workers keep what they work on; by default in the state folder.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str | None = None
    migration_database_url: str | None = None
    public_url: str | None = None
    scratch: Path | None = None


class Supervisor:
    """Runs Spool as long as its `with` block is open.

    Args:
        say: Takes what a person should know, a sentence at a time.
    """

    def __init__(self, options: Options, say: Say) -> None:
        self.folder = StateFolder(options.state)
        self.seconds: dict[str, float] = {}
        self.url = ""
        self._options = options
        self._say = say
        self._postgres: LocalPostgres | None = None
        self._warden: subprocess.Popen[bytes] | None = None
        self._children: list[Child] = []
        self._environment: Mapping[str, str] = {}
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="postgresql")
        self._held = ExitStack()
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, name="watch", daemon=True)

    def __enter__(self) -> Self:
        """Starts everything; returns when the API is ready.

        Its address is for the caller to announce in the state folder: there may be an account to
        make first.

        Raises:
            AlreadyRunning: on this state folder, by another process.
            StartFailed, PostgresError, MigrationFailed, NoFreePort: with what to do.
        """
        self.folder.create()
        self._held.enter_context(self.folder.locked(patience=_PREDECESSOR_SECONDS))
        try:
            self.folder.announce(None)
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops what runs, in order; again does nothing."""
        self._ending.set()
        if self._watch.is_alive():
            # What this thread had started again gets SIGTERM with its end, for which the kernel
            # takes it for the parent; that is no harm now.
            self._watch.join()
        for child, seconds in zip(
            self._children, (_WORKER_STOPS_SECONDS, _API_STOPS_SECONDS), strict=False
        ):
            child.stop(seconds)
        # Waits for a start that is under way.
        self._starter.shutdown()
        if self._postgres is not None:
            self._postgres.stop()
        if self._warden is not None:
            self._warden.communicate(DISMISSED)
        self._held.close()

    def _start(self) -> None:
        logs = self.folder.logs
        worker = Child("The worker", "workers.main", logs / "worker.log")
        api = Child("The API", "app.asgi", logs / "api.log")
        # In the order in which they are stopped.
        self._children = [worker, api]
        api.warm_up()
        worker.warm_up()
        database_url, owner_url = self._start_database()
        port = free_port(self._options.host, self._options.port)
        if port != self._options.port and self._options.port:
            self._say(f"Port {self._options.port} is taken; using {port}.")
        self.url = f"http://{self._options.host}:{port}"
        self._environment = self._make_environment(database_url, port)
        began = time.perf_counter()
        if migrate(owner_url, {**self._environment, "SPOOL_MIGRATION_DATABASE_URL": owner_url}):
            self.seconds["migrate"] = time.perf_counter() - began
        began = time.perf_counter()
        for child in (api, worker):
            child.start(self._environment)
        self._await_ready(port)
        self.seconds["api"] = time.perf_counter() - began
        self._watch.start()

    def _start_database(self) -> tuple[str, str]:
        """URLs of the app's login and of the owner."""
        if self._options.database_url:
            url = self._options.database_url
            return url, self._options.migration_database_url or url
        began = time.perf_counter()
        self._postgres = LocalPostgres(self.folder.postgres)
        self._warden = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.local.warden", str(self.folder.path)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        # In a thread, which Ctrl-C does not interrupt: a server that was just launched and is not
        # answered for yet would stay behind.
        self._starter.submit(self._postgres.start).result()
        self.seconds["postgresql"] = time.perf_counter() - began
        return self._postgres.app_url, self._postgres.owner_url

    def _make_environment(self, database_url: str, port: int) -> Mapping[str, str]:
        keys, current = self.folder.signing_keys()
        return {
            "SPOOL_DATABASE_URL": database_url,
            "SPOOL_SIGNING_KEYS": json.dumps(keys),
            "SPOOL_SIGNING_KEY_ID": current,
            "SPOOL_STORE_ROOT": str(self.folder.store),
            "SPOOL_SCRATCH_ROOT": str(self._options.scratch or self.folder.scratch),
            "SPOOL_HOST": self._options.host,
            "SPOOL_PORT": str(port),
            "SPOOL_PUBLIC_URL": self._options.public_url or self.url,
        }

    def _await_ready(self, port: int) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers_ready(self._options.host, port):
            for child in self._children:
                if how := child.died():
                    raise StartFailed(
                        f"{child.name} {how} while it started. The end of {child.log}:\n"
                        f"{child.last_words()}"
                    )
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"The API is not ready after {_READY_SECONDS:g} s. See {self.folder.logs}"
                )
            time.sleep(_POLL_SECONDS)

    def _keep_running(self) -> None:
        while not self._ending.wait(_WATCH_SECONDS):
            self._keep_postgres_running()
            for child in self._children:
                if said := child.keep_running(self._environment):
                    self._say(said)

    def _keep_postgres_running(self) -> None:
        if self._postgres is None or self._postgres.pid is not None:
            return
        self._say("PostgreSQL ended; starting it again.")
        before = self._postgres.app_url
        try:
            self._postgres.start()
        except PostgresError as error:
            self._say(str(error))
            self._ending.wait(_POSTGRES_RETRY_SECONDS)
            return
        if self._postgres.app_url != before:
            # Its port was taken meanwhile: who knows the old one starts anew.
            self._environment = {**self._environment, "SPOOL_DATABASE_URL": self._postgres.app_url}
            for child in self._children:
                child.stop(_WORKER_STOPS_SECONDS)
                child.start(self._environment)


def _answers_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
