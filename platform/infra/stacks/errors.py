"""What can go wrong with a stack, each with what to do about it.

StackFailed
├── StackMissing          there is none of that name
├── StackExists           there is one already
├── StackInvalid          its configuration or the program refuses
├── UpdateRunning         somebody else is at it, or left a lock
├── PlanStale             it is no longer as it was when the plan was made
├── ConsentNeeded         state would be deleted or replaced
├── StateProtected        the engine refuses, because a resource is protected
├── UpdateFailed          resources could not be made, changed or removed
├── NothingToRollBack     no earlier update with other images succeeded
├── ImagesUnpinned        images that are not named by digest cannot be promoted
├── ReapFailed            some stacks whose time is over resist
└── BackendAway           the state's backend, its key or the CLI is not there
"""

import re
from collections.abc import Mapping, Sequence

from pulumi import automation


class StackFailed(Exception):
    """Something about a stack; the message says what and what to do."""


class StackMissing(StackFailed):
    def __init__(self, name: str, known: Sequence[str]) -> None:
        there = ", ".join(known) or "none"
        super().__init__(
            f"There is no stack {name} (there are: {there}). "
            f"Make it with `spool-env create {name}`."
        )


class StackExists(StackFailed):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is a stack {name} already; choose another name, or update it.")


class StackInvalid(StackFailed):
    """The configuration or the program refuses; the message has its words."""


class UpdateRunning(StackFailed):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"Stack {name} is locked: an update of it is running. Wait for it; if whoever ran it "
            f"is gone, `spool-env unlock {name}` removes the lock it left."
        )


class PlanStale(StackFailed):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"The plan is no longer what would be done to {name}: {why}. Make a new one with "
            f"`spool-env preview {name}` and look at it again."
        )


class ConsentNeeded(StackFailed):
    """State would be lost.

    Args:
        resources: Logical names of what would be deleted or replaced.
    """

    def __init__(self, stack: str, resources: Sequence[str]) -> None:
        self.resources = tuple(resources)
        names = ", ".join(resources)
        super().__init__(
            f"This deletes or replaces state of {stack}: {names}. If that is meant, name each: "
            + " ".join(f"--consent {name}" for name in resources)
        )


class StateProtected(StackFailed):
    """The engine refuses to delete protected resources; the message names them."""


class UpdateFailed(StackFailed):
    """Some resources could not be brought to where they should be.

    Args:
        failures: `type name: what the provider said`, one each.
    """

    def __init__(self, stack: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        lines = "\n".join(f"  - {failure}" for failure in failures)
        super().__init__(
            f"The update of {stack} stopped:\n{lines}\n"
            "What was done before stays done. Mend the cause and run the same command again."
        )


class NothingToRollBack(StackFailed):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"No earlier update of {name} that succeeded had other images than now, so there is "
            "nothing to go back to."
        )


class ImagesUnpinned(StackFailed):
    def __init__(self, name: str, images: Sequence[str]) -> None:
        super().__init__(
            f"{name} runs images that are not named by digest ({', '.join(images)}), and what "
            "they name may have changed since. Deploy them by digest (repository@sha256:…) first."
        )


class ReapFailed(StackFailed):
    """Some stacks whose time is over could not be destroyed; the others are gone.

    Args:
        gone: Names of the others.
        failures: Why, by name.
    """

    def __init__(self, gone: Sequence[str], failures: Mapping[str, StackFailed]) -> None:
        self.gone = tuple(gone)
        self.failures = dict(failures)
        lines = "\n".join(f"  - {name}: {error}" for name, error in failures.items())
        super().__init__(f"Gone: {', '.join(gone) or 'none'}. These resist:\n{lines}")


class BackendAway(StackFailed):
    """The backend of the state, its secrets' key or the CLI is not to be had."""


_BACKEND_WORDS = re.compile(
    r"passphrase must be set|incorrect passphrase|no such bucket|NoSuchBucket|unable to open bucket"
    r"|failed to load checkpoint|could not connect|no valid credential|cached credentials"
    r"|NoCredentialProviders|ExpiredToken|AccessDenied.*(?:S3|KMS)|(?:S3|KMS):.*AccessDenied"
    r"|getting secrets manager|failed to decrypt",
    re.IGNORECASE,
)
# What `ConfigInvalid` says. Of a program in a process of its own the engine repeats the first line
# while it runs, and indents all of them at the end.
_REFUSED = re.compile(r"The configuration of stack \S+ cannot work:(?:\n +- .*)+")


def explained(error: Exception, stack: str, failures: Sequence[str] | None = None) -> StackFailed:
    """The error of ours that an error of the Automation API stands for.

    Args:
        stack: Its name; empty where it is about all of them.
        failures: What the engine's diagnostics said of single resources meanwhile; None where
            nothing was being changed.
    """
    whose = stack or "all stacks"
    text = str(error)
    if isinstance(error, automation.ConcurrentUpdateError) or "currently locked" in text:
        return UpdateRunning(stack)
    if isinstance(error, automation.StackAlreadyExistsError):
        return StackExists(stack)
    if isinstance(error, (automation.InvalidVersionError, FileNotFoundError)):
        return BackendAway(f"The Pulumi CLI is missing or too old: {error}")
    if "is protected" in text:
        return StateProtected(
            f"Protected resources of {stack} resist: {_line_with('protected', text)} "
            "Set spool:protect to false and update first, if they are meant to go."
        )
    if _BACKEND_WORDS.search(text):
        line = _line_with(_BACKEND_WORDS.pattern, text)
        return BackendAway(f"The state of {whose} is not to be had: {line}")
    refused = _REFUSED.search(text)
    if refused is not None:
        return StackInvalid("\n  - ".join(re.split(r"\n +- ", refused.group())))
    if failures is None:
        return BackendAway(f"The CLI could not say anything of {whose}: {_last_lines(text)}")
    return UpdateFailed(stack, failures or [_last_lines(text)])


def _line_with(pattern: str, text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if re.search(pattern, line, re.IGNORECASE)]
    return lines[0] if lines else _last_lines(text)


def _last_lines(text: str) -> str:
    return " ".join(line.strip() for line in text.strip().splitlines()[-3:])
