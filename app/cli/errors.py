"""What can go wrong on the command line, and the exit status that tells it to scripts.

CommandFailed     1  it was tried and did not work
├── Refused       1  the API answered with a problem document
├── BadUsage      2  what was typed cannot be right
└── Unreachable   3  nothing answers at the server's address
"""

from collections.abc import Mapping
from typing import Any, ClassVar

INTERRUPTED = 130


class CommandFailed(Exception):
    """Shown to the person as it is; without a traceback.

    Args:
        message: What happened.
        hint: What to do about it.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadUsage(CommandFailed):
    exit_status = 2


class Unreachable(CommandFailed):
    exit_status = 3


class Refused(CommandFailed):
    """A problem document (RFC 9457), or what stands in its place.

    Args:
        status: HTTP status.
        problem: The document's members.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.correlation_id = problem.get("correlation_id")
        self.problem = problem
        # The detail says what the title says, of this very case.
        said = problem.get("detail") or problem.get("title") or f"The server answered {status}."
        super().__init__(str(said), _hint(status))


def _hint(status: int) -> str | None:
    if status == 401:
        return (
            "Give an API key as --api-key or SPOOL_API_KEY, or run this where .spool/ lies, "
            "whose account.json has one."
        )
    if status >= 500:
        return "Try again in a moment; `spool up` writes what went wrong into .spool/logs/."
    return None
