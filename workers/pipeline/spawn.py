"""The first breath of every child: binds it to its parent, bounds it, becomes the real program.

Run as a script by `process.run`, never imported: it must start in milliseconds, so it knows
nothing but the standard library. A `preexec_fn` would do the same between fork and exec, where
a process that has threads may deadlock; prlimit(2) from outside would leave a moment without
bounds. Arguments: the parent's pid, a JSON object of soft and hard limits, then the command.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2)
_EXIT_CANNOT_START = 127


def main(parent: int, limits: dict[str, tuple[int, int]], argv: list[str]) -> None:
    """Never returns: replaces this process by `argv`."""
    libc = ctypes.CDLL(None, use_errno=True)
    # A worker that dies by kill -9 takes its FFmpeg along; survives execve(2).
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"spawn: prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have died before the line above; then nobody is left to work for.
    if os.getppid() != parent:
        sys.exit(_EXIT_CANNOT_START)
    for name, (soft, hard) in limits.items():
        resource.setrlimit(getattr(resource, name), (soft, hard))
    # Python ignores these two, and what is ignored stays so over execve(2).
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    # When memory is short, the kernel should end this process and not the worker or a database.
    Path("/proc/self/oom_score_adj").write_text("500")
    try:
        os.execve(argv[0], argv, dict(os.environ))  # noqa: S606  # the point of this script
    except OSError as error:
        sys.stderr.write(f"spawn: cannot start {argv[0]}: {error.strerror}\n")
        sys.exit(_EXIT_CANNOT_START)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:])
