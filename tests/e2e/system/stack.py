"""Spool's processes with nobody who starts them again: a test does, when it has seen enough."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import asyncpg
import httpx
import psutil

from app.foundation.storage.protocols import Store
from app.local.child import Child
from app.local.postgres import LocalPostgres
from app.local.postgres_cluster import DATABASE
from app.paths import PATHS
from app.seams import make_store
from app.settings import Settings
from migrations.run import upgrade
from tests.conftest import make_settings
from tests.ports import unused_port

API = "api"
WORKER = "worker"
POSTGRES = "postgres"
MIB = 1024 * 1024
PART = 5 * MIB
LEASE_SECONDS = 2
_POLL_SECONDS = 0.05
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
T = TypeVar("T")


async def until(
    look: Callable[[], Awaitable[T | None]],
    what: str,
    seconds: float = 30,
    every: float = _POLL_SECONDS,
) -> T:
    """What `look` sees, once that is something."""
    deadline = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"not after {seconds:g} s: {what}"
        await asyncio.sleep(every)
    return seen


class Process(Protocol):
    """What a stack starts and ends: see `app.local.child.Child`."""

    @property
    def pid(self) -> int | None: ...
    def start(self, environment: Mapping[str, str]) -> None: ...
    def died(self) -> str | None: ...
    def stop(self, seconds: float) -> None: ...


class Stack:
    """PostgreSQL, the API and workers, as processes of their own with logs below `folder`.

    To be used from the thread that made it: the kernel ends the children when that one does.

    Args:
        changes: Settings, beyond those that make waiting short.
    """

    def __init__(self, folder: Path, **changes: object) -> None:
        self.folder = folder
        self.postgres = LocalPostgres(folder / "postgres")
        self._changes = changes
        self._children: dict[str, Process] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._store: Store | None = None
        self.status_urls: dict[str, str] = {}

    @cached_property
    def port(self) -> int:
        """The API's. Chosen when it is first asked for: PostgreSQL has taken its own by then."""
        return unused_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self, *, api: bool = True) -> None:
        """Starts PostgreSQL and the API, and migrates; workers are started by name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres.start()
        upgrade(self.postgres.owner_url, app_login="spool_login")
        if api:
            self.start(API)

    def stop_all(self) -> None:
        """The API and the workers."""
        for name in reversed(self._children):
            self.stop(name)

    def down(self) -> None:
        self.stop_all()
        if self._store is not None:
            self._store.close()
        self.postgres.destroy()

    @property
    def settings(self) -> Settings:
        changes = {
            "lease_seconds": LEASE_SECONDS,
            "upload_part_bytes": PART,
            "public_url": self.url,
            "port": self.port,
        }
        return make_settings(self.postgres.app_url, self.folder, **changes | self._changes)

    @property
    def store(self) -> Store:
        """As a process of ours sees it."""
        if self._store is None:
            self._store = make_store(self.settings)
        return self._store

    def start(self, name: str = WORKER, **changes: object) -> None:
        """Starts the API, a role of it, or a worker; a worker may have any other name.

        Args:
            changes: Settings of this process alone; None takes one away.
        """
        child = self._children.get(name)
        if child is None:
            child = self._children[name] = self._make_child(name)
        environment = environment_of(self.settings)
        for key, value in changes.items():
            environment[f"SPOOL_{key.upper()}"] = str(value)
            if value is None:
                del environment[f"SPOOL_{key.upper()}"]
        if not serves_http(name):
            port = unused_port()
            environment["SPOOL_WORKER_METRICS_PORT"] = str(port)
            self.status_urls[name] = f"http://127.0.0.1:{port}"
        self._environments[name] = environment
        child.start(environment)

    def _make_child(self, name: str) -> Process:
        module = "app.asgi" if serves_http(name) else "workers.main"
        return Child(name, module, self.folder / f"{name}.log")

    async def ready(self, *names: str) -> None:
        """Waits until these answer that they can do their work."""
        async with httpx.AsyncClient() as client:
            for name in names:
                url = self.url if name == API else self.status_urls[name]

                async def answers(name: str = name, url: str = url) -> bool:
                    assert self.pid(name), f"{name} {self._children[name].died()}"
                    try:
                        return (await client.get(f"{url}/ready")).status_code == 200
                    except httpx.TransportError:
                        return False

                await until(answers, f"{name} is ready", _START_SECONDS)

    def pid(self, name: str) -> int | None:
        if name == POSTGRES:
            return self.postgres.pid
        child = self._children.get(name)
        return child.pid if child else None

    def running(self) -> list[str]:
        return [name for name in (POSTGRES, *self._children) if self.pid(name)]

    def signal(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        pid = self.pid(name)
        assert pid is not None, f"{name} does not run"
        os.kill(pid, number)

    def thaw(self, name: str) -> None:
        """Wakes it if a test that failed has left it frozen."""
        if self.pid(name):
            self.signal(name, signal.SIGCONT)

    def kill(self, name: str) -> None:
        """`kill -9`; returns when it is gone."""
        self.signal(name)
        deadline = time.monotonic() + _STOP_SECONDS
        while self.pid(name) is not None:
            assert time.monotonic() < deadline, f"{name} outlives kill -9"
            time.sleep(0.01)

    def stop(self, name: str) -> None:
        """SIGTERM; SIGKILL if it does not obey."""
        if child := self._children.get(name):
            child.stop(_STOP_SECONDS)

    def restart_postgres(self) -> None:
        """Starts it again under its old address."""
        before = self.postgres.app_url
        self.postgres.start()
        assert self.postgres.app_url == before

    async def revive(self, *workers: str) -> None:
        """Starts again what is down, and waits until all can work."""
        if self.pid(POSTGRES) is None:
            self.restart_postgres()
        for name in (API, *workers):
            if self.pid(name) is None:
                self.start(name)
        await self.ready(API, *workers)

    def rss(self, name: str) -> int:
        """Bytes of memory that are its own (unique set size)."""
        bytes_: int = psutil.Process(self.pid(name)).memory_full_info().uss
        return bytes_

    def media_processes(self) -> list[psutil.Process]:
        """Programs that work on files of this stack: FFmpeg, the probe."""
        found = []
        services = {child.pid for child in self._children.values()}
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                here = any(str(self.folder) in word for word in words) or process.cwd().startswith(
                    str(self.folder / "scratch")
                )
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
            # A process that is just ending has no words any more, and is there all the same.
            program = words[0] if words else ""
            if here and process.pid not in services and "postgres" not in program:
                found.append(process)
        return found

    async def rows(self, query: str, *values: object) -> Sequence[Any]:
        """Reads past row-level security, as the superuser."""
        url = self.postgres.admin_url(DATABASE).replace("+asyncpg", "")
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def count(self, table_and_condition: str, *values: object) -> int:
        return int(await self.value(f"SELECT count(*) FROM {table_and_condition}", *values))

    async def value(self, query: str, *values: object) -> Any:
        return (await self.rows(query, *values))[0][0]

    def logs(self, lines: int = 60) -> dict[str, str]:
        """The end of each process' log."""
        paths = [*self.folder.glob("*.log"), self.folder / "postgres" / "postgres.log"]
        return {
            path.name: "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in paths
            if path.exists()
        }


def serves_http(name: str) -> bool:
    """Whether a process of this name is the API or a role of it."""
    return name == API or name in PATHS


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings."""
    keys = {name: key.get_secret_value() for name, key in settings.signing_keys.items()}
    values = settings.model_dump(exclude_none=True) | {
        "database_url": settings.database_url.get_secret_value(),
        "signing_keys": json.dumps(keys),
    }
    return {f"SPOOL_{name.upper()}": str(value) for name, value in values.items()}
