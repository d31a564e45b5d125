"""What a team might run each night: branches' stacks that are over go, and drift is told.

    python examples/nightly.py

Exit status 2 where something was changed by hand, 1 where a stack resists or is not to be
looked at.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from infra.stacks import Environments
from infra.stacks.branches import is_branch
from infra.stacks.errors import ReapFailed, StackFailed


def nightly(environments: Environments) -> int:
    """Reaps, then looks at every stack that is kept; says what it found."""
    status = 0
    try:
        gone: Sequence[str] = environments.reap(datetime.now(UTC))
    except ReapFailed as error:
        print(error)
        gone, status = error.gone, 1
    for name in gone:
        print(f"{name}: its time was over")
    for summary in environments.all():
        if is_branch(summary.name):
            continue
        try:
            drift = environments.get(summary.name).drift()
        except StackFailed as error:
            print(f"{summary.name}: {error}")
            status = status or 1
            continue
        for change in drift.changes:
            print(f"{summary.name}: {change.name} ({change.type}) {', '.join(change.properties)}")
        status = max(status, drift.exit_code)
    return status


if __name__ == "__main__":
    sys.exit(nightly(Environments()))
