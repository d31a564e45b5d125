"""The stack of the other end-to-end tests, its processes in containers."""

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.e2e.containers.container import Container
from tests.e2e.containers.engine import Engine
from tests.e2e.system.stack import API, Stack, environment_of, serves_http

UID = 1000
_MIGRATION_SECONDS = 120


class ContainerStack(Stack):
    """PostgreSQL on the machine; the API, workers and migrations in containers.

    They share the machine's network and the stack's folder, so that everything has one name inside
    and outside.

    Args:
        variables: What the machine's own processes inherit and containers have to be told.
        changes: Settings.
    """

    def __init__(
        self, folder: Path, engine: Engine, variables: Mapping[str, str], **changes: object
    ) -> None:
        super().__init__(folder, **changes)
        self.engine = engine
        self._variables = variables

    def up(self, *, api: bool = True) -> None:
        for shared in (self.folder, self.folder / "scratch"):
            shared.mkdir(parents=True, exist_ok=True)
            os.chown(shared, UID, UID)
        self.postgres.start()
        self.migrate()
        if api:
            self.start(API)

    def migrate(self) -> None:
        migrations = self._container("api", "migrations.run", name="migrations")
        owner = {"SPOOL_MIGRATION_DATABASE_URL": self.postgres.owner_url}
        migrations.start(environment_of(self.settings) | owner)
        status = self.engine.podman("wait", migrations.name, seconds=_MIGRATION_SECONDS)
        assert status == "0", self.logs()["migrations.log"]
        migrations.remove()

    def down(self) -> None:
        super().down()
        for container in self._children.values():
            assert isinstance(container, Container)
            container.remove()

    def container(self, name: str) -> Container:
        container = self._children[name]
        assert isinstance(container, Container)
        return container

    def media_processes(self) -> list[psutil.Process]:
        return [each for each in super().media_processes() if each.name() != "conmon"]

    def _make_child(self, name: str) -> Container:
        image = "api" if serves_http(name) else "worker"
        return self._container(image, name=name)

    def _container(self, image: str, *arguments: str, name: str) -> Container:
        return Container(
            self.engine,
            self.engine.images[image],
            *arguments,
            log=self.folder / f"{name}.log",
            folder=self.folder,
            variables=self._variables,
        )
