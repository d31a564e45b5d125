"""What is told of a stack: frozen, and the same for people, tools and `--json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Change:
    """What is, or would be, done to one resource.

    Args:
        operation: `create`, `update`, `replace`, `delete`, `refresh` …, the engine's words.
        name: Its logical name; `type` its type.
        stateful: It holds what cannot be made again.
        properties: Which of its inputs differ.
        digest: Of all its inputs as they would be, so that equal plans do the same.
    """

    operation: str
    type: str
    name: str
    stateful: bool
    properties: Sequence[str] = ()
    digest: str = ""

    @property
    def loses_state(self) -> bool:
        return self.stateful and self.operation in ("delete", "replace")


@dataclass(frozen=True)
class Plan:
    """What an update would do, and what it was made of.

    Args:
        changes: Losses of state first, then replacements and deletions, then the rest.
        fingerprint: Of the state and the configuration that the plan was made of; an update by
            this plan is refused when they have changed.
    """

    stack: str
    changes: Sequence[Change]
    unchanged: int
    fingerprint: str

    @property
    def losses(self) -> tuple[str, ...]:
        return tuple(change.name for change in self.changes if change.loses_state)


@dataclass(frozen=True)
class Update:
    """What an update, a refresh or a destruction did.

    Args:
        changes: Operation to how many resources.
        seconds: It took.
        version: Of the stack after it.
    """

    stack: str
    kind: str
    changes: Mapping[str, int]
    seconds: float
    version: int | None


@dataclass(frozen=True)
class Drift:
    """What is not as the last update left it.

    `exit_code` is 0 without drift and 2 with it; 1 is for not knowing, which is an error.
    """

    stack: str
    changes: Sequence[Change]

    @property
    def exit_code(self) -> int:
        return 2 if self.changes else 0


@dataclass(frozen=True)
class StackSummary:
    """A line of the list of stacks."""

    name: str
    updated_at: datetime | None
    running: bool
    resources: int | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Check:
    """One question of the doctor, its answer, and what to do."""

    question: str
    ok: bool
    answer: str
    advice: str = ""
