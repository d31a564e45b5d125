"""What lasts is said when it begins, and then now and then: not each time it is seen."""

import time

_SAID_AGAIN_SECONDS = 30.0


class Seldom:
    """Of one thing that may go wrong for a while. One thread asks."""

    def __init__(self) -> None:
        self._silent_until: float | None = None

    def due(self) -> bool:
        """Whether to say it now."""
        now = time.monotonic()
        if self._silent_until is not None and now < self._silent_until:
            return False
        self._silent_until = now + _SAID_AGAIN_SECONDS
        return True

    def over(self) -> None:
        """The next time it is news again."""
        self._silent_until = None
