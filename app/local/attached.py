"""A program of Spool as a child of `spool up`: `python -m app.local.attached PID MODULE`.

It imports the module at once, while the parent still starts what the module needs, then reads its
settings from standard input (a JSON object of environment variables) and calls the module's
`main`. Settings that hold passwords so never stand in a process list.

It ends with its parent: when that is killed, the kernel sends SIGTERM here, and the module ends as
it does on any SIGTERM. Should it hang, it is killed a little later. So nothing stays behind when
`spool up` itself had no chance to stop it. (On systems without prctl nothing of this happens, and
processes that were left have to be ended by hand.)
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 10.0


def end_with_parent(parent: int) -> None:
    """Asks the kernel for SIGTERM when the process `parent`, which started us, is gone."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        # It died before we asked.
        sys.exit(0)
    threading.Thread(target=_die_after_parent, args=(parent,), daemon=True).start()


def _die_after_parent(parent: int) -> None:
    tick = threading.Event()
    while os.getppid() == parent:
        tick.wait(1)
    tick.wait(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main(parent: int, module: str) -> None:
    end_with_parent(parent)
    # Nothing of what an import makes is garbage: looking for some costs a tenth of the start.
    gc.disable()
    program = importlib.import_module(module)
    gc.enable()
    gc.freeze()
    settings = sys.stdin.buffer.read()
    if not settings:
        # The parent ended without a word.
        sys.exit(0)
    os.environ.update(json.loads(settings))
    program.main()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
