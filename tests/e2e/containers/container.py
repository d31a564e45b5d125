"""A process of Spool in a container, with all the limits that an orchestrator would set."""

import os
import subprocess
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.e2e.containers.engine import LIMITS, OWNER, Engine

HARDENED = (
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--pids-limit=512",
    # The one place of the root where anything can be written.
    "--tmpfs=/tmp:rw,size=64m,mode=1777",
    *LIMITS,
)


class Container:
    """To tests what `app.local.child.Child` is: started, killed, stopped and started again.

    Args:
        arguments: What the image is started with, the module to run.
        folder: Shared with the machine under the same path.
        memory: Limit, as Podman writes it.
        variables: Of the environment, beside those that it is started with.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        *arguments: str,
        log: Path,
        folder: Path | None = None,
        network: str = "host",
        memory: str = "1g",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._engine = engine
        self._image = image
        self._arguments = arguments
        self._log = log
        self._variables = variables or {}
        self._options = [
            f"--network={network}",
            f"--memory={memory}",
            f"--label={OWNER}={os.getpid()}",
        ]
        if folder:
            self._options.append(f"--volume={folder}:{folder}")
        self.name = ""
        self._init: psutil.Process | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        self.remove()
        self.name = f"spool-{uuid.uuid4().hex[:12]}"
        environment = {**self._variables, **environment}
        variables = [f"--env={key}={value}" for key, value in environment.items()]
        with self._log.open("ab") as log:
            # Not by `podman run`, whose own process would have to be watched beside ours.
            self._engine.podman(
                *(
                    "create",
                    f"--name={self.name}",
                    f"--log-opt=path={self._log}",
                    "--log-driver=k8s-file",
                ),
                *HARDENED,
                *self._options,
                *variables,
                self._image,
                *self._arguments,
            )
            done = subprocess.run(
                ["podman", "start", self.name],
                env=self._engine.environment,
                stdout=log,
                stderr=log,
                timeout=60,
                check=False,
            )
        if done.returncode == 0:
            with suppress(psutil.NoSuchProcess):
                self._init = psutil.Process(int(self.inspect("{{.State.Pid}}")))

    @property
    def pid(self) -> int | None:
        """Of the first process in the container, as the machine counts; None when it has ended."""
        if self._init is None:
            return None
        with suppress(psutil.NoSuchProcess):
            if self._init.is_running() and self._init.status() != psutil.STATUS_ZOMBIE:
                return self._init.pid
        return None

    def died(self) -> str | None:
        if self.name and self.pid is None:
            return f"ended with status {self.inspect('{{.State.ExitCode}}')}"
        return None

    def stop(self, seconds: float) -> None:
        if self.name and self.pid is not None:
            self._engine.podman("stop", f"--time={seconds:.0f}", self.name, seconds=seconds + 30)
        self._init = None

    def run(self, *words: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command inside."""
        options = [f"--user={user}"] if user else []
        return subprocess.run(
            ["podman", "exec", *options, self.name, *words],
            env=self._engine.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def is_healthy(self) -> bool:
        """What the image's own health check says, when it is asked."""
        done = subprocess.run(
            ["podman", "healthcheck", "run", self.name],
            env=self._engine.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    def inspect(self, template: str) -> str:
        return self._engine.podman("inspect", f"--format={template}", self.name)

    def remove(self) -> None:
        if self.name:
            self._engine.podman("rm", "--force", "--time=0", self.name)
            self.name = ""
