"""All stacks of Spool's program in one backend."""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pulumi import automation

from infra.config.keys import Preset
from infra.config.reading import NAMESPACE
from infra.stacks.branches import end_of, is_branch, stack_name
from infra.stacks.environment import Environment, OnEvent
from infra.stacks.errors import (
    BackendAway,
    ReapFailed,
    StackExists,
    StackFailed,
    StackMissing,
    explained,
)
from infra.stacks.reports import StackSummary

ROOT = Path(__file__).resolve().parents[3]
_Found = TypeVar("_Found")
_EXPIRES = f"{NAMESPACE}:expiresAt"


class Environments:
    """The stacks of one backend.

    Args:
        root: Folder of `Pulumi.yaml`; its program is what stacks are made of.
        program: Run instead of the folder's `__main__.py`, in this process. For tools that have
            no language host, and tests.
        secrets_provider: `awskms://…` for new stacks; a passphrase from the environment without.
        on_event: Is told every event of the engine.
    """

    def __init__(
        self,
        root: Path = ROOT,
        *,
        program: Callable[[], None] | None = None,
        secrets_provider: str | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        self._root = root
        self._program = program
        self._secrets_provider = secrets_provider
        self._on_event = on_event

    def create(
        self, name: str, preset: Preset = "dev", config: Mapping[str, str] | None = None
    ) -> Environment:
        """A new stack, configured and empty.

        Raises:
            StackExists: there is one of that name.
        """
        if name in self._names():
            raise StackExists(name)
        environment = self._open(name, automation.create_stack)
        environment.configure({"preset": preset, **(config or {})})
        return environment

    def create_for_branch(
        self, branch: str, span: str = "3d", config: Mapping[str, str] | None = None
    ) -> Environment:
        """A throw-away stack for a branch, which `reap` destroys when its time is over.

        Raises:
            StackExists: the branch has one.
            ValueError: the span is no time span, or the branch's name has no letter.
        """
        expires = end_of(span, datetime.now(UTC)).isoformat(timespec="seconds")
        return self.create(stack_name(branch), "branch", {"expiresAt": expires, **(config or {})})

    def get(self, name: str) -> Environment:
        """A stack that exists.

        Raises:
            StackMissing: with the names of those that there are.
        """
        known = self._names()
        if name not in known:
            raise StackMissing(name, known)
        return self._open(name, automation.select_stack)

    def all(self) -> list[StackSummary]:
        """All stacks, by name."""
        return [
            StackSummary(
                name=each.name,
                updated_at=each.last_update,
                running=bool(each.update_in_progress),
                resources=each.resource_count,
                expires_at=self._expiry(each.name),
            )
            for each in sorted(self._summaries(), key=lambda summary: summary.name)
        ]

    def expired(self, now: datetime) -> list[str]:
        """Throw-away stacks whose time is over."""
        return [
            each.name
            for each in self.all()
            if is_branch(each.name) and each.expires_at is not None and each.expires_at <= now
        ]

    def reap(self, now: datetime) -> list[str]:
        """Destroys and forgets expired throw-away stacks; says which.

        Raises:
            ReapFailed: some resist; the others are gone.
        """
        gone: list[str] = []
        failures: dict[str, StackFailed] = {}
        for name in self.expired(now):
            try:
                environment = self.get(name)
                environment.destroy(all_state=True)
                environment.remove()
            except StackFailed as error:
                failures[name] = error
            else:
                gone.append(name)
        if failures:
            raise ReapFailed(gone, failures)
        return gone

    def _expiry(self, name: str) -> datetime | None:
        if not is_branch(name):
            return None
        value = self._open(name, automation.select_stack).config().get(_EXPIRES)
        return datetime.fromisoformat(value) if value else None

    def _names(self) -> list[str]:
        return sorted(each.name for each in self._summaries())

    def _summaries(self) -> list[automation.StackSummary]:
        return self._asking("", lambda: self._workspace().list_stacks())

    def _workspace(self) -> automation.LocalWorkspace:
        return automation.LocalWorkspace(work_dir=str(self._root), program=self._program)

    def _open(self, name: str, how: Callable[..., automation.Stack]) -> Environment:
        options = automation.LocalWorkspaceOptions(
            work_dir=str(self._root), secrets_provider=self._secrets_provider
        )
        if self._program is None:
            stack = self._asking(name, lambda: how(name, work_dir=str(self._root), opts=options))
        else:
            stack = self._asking(
                name,
                lambda: how(name, project_name=NAMESPACE, program=self._program, opts=options),
            )
        return Environment(stack, self._on_event)

    def _asking(self, name: str, ask: Callable[[], _Found]) -> _Found:
        if shutil.which("pulumi") is None:
            raise BackendAway("The Pulumi CLI is not on the PATH; install it from pulumi.com.")
        try:
            return ask()
        except (automation.CommandError, automation.InvalidVersionError, OSError) as error:
            raise explained(error, name) from error
