"""Programs for `Child` to run, told by SPOOL_TEST_PROGRAM what to do."""

import os
import signal
import sys
import threading
from pathlib import Path


def main() -> None:
    what = os.environ["SPOOL_TEST_PROGRAM"]
    if what == "fails":
        sys.stderr.write("the reason\n")
        sys.exit(3)
    stopped = threading.Event()
    stubborn = what == "stubborn"
    signal.signal(signal.SIGTERM, lambda *_: None if stubborn else stopped.set())
    Path(os.environ["SPOOL_TEST_FILE"]).write_text(str(os.getpid()))
    while not stopped.wait(0.05):
        pass
