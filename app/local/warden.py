"""Stops PostgreSQL after `spool up` was killed: `python -m app.local.warden FOLDER`.

It waits for the end of its standard input, which is a pipe that `spool up` holds. If that said
nothing before, it had no chance to stop anything. The API and the worker end by themselves then
(see `attached`), and when the last of them has left PostgreSQL it is stopped.

Nothing is imported before it is needed, so that the waiting costs little.
"""

import signal
import sys
from pathlib import Path

# Written by a `spool up` that has stopped everything itself.
DISMISSED = b"dismissed"


def main(folder: Path) -> None:
    # Whoever tells all of Spool to end means `spool up`, which then tells us.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == DISMISSED:
        return
    from app.local.postgres import LocalPostgres
    from app.local.state_folder import AlreadyRunning, StateFolder

    state = StateFolder(folder)
    try:
        # While this is held, the next `spool up` waits.
        with state.locked():
            postgres = LocalPostgres(state.postgres).start()
            postgres.stop("smart")
    except AlreadyRunning:
        # A new `spool up` was faster, and PostgreSQL is its own now.
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
