"""What API Gateway passes on, and what of it may be cached. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Requests of one method under one path.

    Args:
        path: A segment at the root, or `{proxy+}` for all that is left.
        method: `ANY`, or one.
        needs_key: Without a key of a usage plan it is answered with 403.
        cached_seconds: How long an answer stands for all who ask. Answers are kept by path alone,
            so only such may have it as are the same for everybody and for any query.
    """

    path: str
    method: str
    needs_key: bool
    cached_seconds: int = 0

    @property
    def name(self) -> str:
        return "all" if self.path == PROXY else self.path.replace(".", "-")

    @property
    def settings_path(self) -> str:
        """How a stage's settings name the method: `openapi.json/GET`."""
        return f"{self.path}/{self.method}"


PROXY = "{proxy+}"
ROUTES: Sequence[Route] = (
    Route(PROXY, "ANY", needs_key=True),
    # What a program reads before it has a key, and all that is kept: every other answer is of a
    # project, or follows a login or a playback id, which end when they are told to.
    Route("openapi.json", "GET", needs_key=False, cached_seconds=300),
)
