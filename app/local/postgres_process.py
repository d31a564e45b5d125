"""The server as a process: how it is started, and how it is found and told from a stranger."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from app.local.postgres_cluster import ENVIRONMENT
from app.local.postgres_host import Account

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket in a folder would be a second door, and its path has a limit of 107 bytes.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_level": "replica",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def spawn(
    programs: Path, data: Path, port: int, account: Account | None, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Starts a server, which need not be ready yet and may give up at once."""
    argv = [str(programs / "postgres"), "-D", str(data), "-c", f"port={port}"]
    for name, value in _SETTINGS.items():
        argv += ["-c", f"{name}={value}"]
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=data,
        env=ENVIRONMENT,
        # Ctrl-C in a terminal is for us: we stop the server after what uses it.
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


@dataclass(frozen=True, slots=True)
class PidFile:
    """What the server writes about itself; the lines of pidfile.h in PostgreSQL's sources."""

    pid: int
    port: int | None
    ready: bool

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """The file as it stands; None when there is none or it is only half written."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        port = int(lines[3]) if len(lines) > 3 and lines[3].isdigit() else None
        return cls(pid, port, ready=len(lines) > 7 and lines[7].strip() == "ready")

    @classmethod
    def of_running_server(cls, data: Path) -> Self | None:
        """The file, if the process it names is the server of this data directory."""
        pid_file = cls.read(data)
        if pid_file is None:
            return None
        argv = _argv(pid_file.pid)
        return pid_file if _is_postgres(argv) and str(data) in argv else None

    @staticmethod
    def disown(data: Path) -> None:
        """Lets a new server start after its predecessor's process id went to a stranger.

        PostgreSQL refuses to start while any process has the id in the file, as happens after
        a crash wherever ids are few, in containers above all. It takes its own parent's id
        for stale, though, and that is us. The rest of the file has to stay: by the shared
        memory it names PostgreSQL sees whether children of the killed server still run.
        """
        path = data / "postmaster.pid"
        pid_file = PidFile.read(data)
        if pid_file is None or _is_postgres(_argv(pid_file.pid)):
            return
        _, _, rest = path.read_text().partition("\n")
        # Written in place: the file stays the property of the account the server runs as.
        path.write_text(f"{os.getpid()}\n{rest}")


def _argv(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone or a zombie."""
    proc = Path("/proc")
    if (proc / "self").exists():
        # Unlike the working directory, readable for a root that lacks CAP_SYS_PTRACE.
        try:
            return (proc / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return []
    done = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.split()


def _is_postgres(argv: list[str]) -> bool:
    return bool(argv) and Path(argv[0]).name == "postgres"
