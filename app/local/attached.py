"""Runs a module as a program that ends with its parent: `python -m app.local.attached PID MODULE`.

When the parent is killed, the kernel sends SIGTERM here, and the module ends as it does on any
SIGTERM. Should it hang, it is killed a little later. So nothing that `spool up` starts stays
behind when `spool up` itself had no chance to stop it. (On systems without prctl nothing of this
happens, and the processes have to be ended by hand.)
"""

import ctypes
import os
import runpy
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


if __name__ == "__main__":
    _parent, _module = sys.argv[1:]
    end_with_parent(int(_parent))
    sys.argv = [_module]
    runpy.run_module(_module, run_name="__main__", alter_sys=True)
