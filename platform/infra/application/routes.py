"""Which path goes to which process: the rules of the load balancer, from the top. Pure.

The app has the same table (app/paths.py) and a test holds the two together. `*` is any characters,
slashes too. A rule of an Application Load Balancer takes five values and six wildcards, and a
balancer a hundred rules; each pattern is a rule of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CONSOLE = "console"
PATHS: Mapping[str, tuple[str, ...]] = {
    "uploader": (
        "/v1/uploads",
        "/v1/uploads/*",
        "/v1/tus",
        "/v1/tus/*",
        "/api/uploader/*",
    ),
    "accounts": (
        "/v1/auth/*",
        "/v1/me",
        "/v1/projects",
        "/v1/projects/*",
        "/v1/members",
        "/v1/members/*",
        "/v1/api-keys",
        "/v1/api-keys/*",
    ),
    "analytics": ("/api/analytics/*",),
    "catalog": (
        "/v1/*",
        "/api/*",
        "/watch/*",
        "/embed/*",
        "/oembed",
        "/media/*",
        "/*.m3u8",
        "/*.mpd",
        "/*/playlists/*",
        "/*/status",
        "/*/poster.*",
        "/*/thumbnail.*",
        "/*/storyboard.*",
        "/health",
        "/ready",
        "/errors",
        "/errors/*",
        "/docs",
        "/openapi.json",
        "/static/*",
    ),
    CONSOLE: ("/*",),
}


@dataclass(frozen=True)
class Rule:
    """Requests for a path that fits go to a process."""

    pattern: str
    process: str


def rules() -> Iterator[Rule]:
    """In the order in which they are tried."""
    for process, patterns in PATHS.items():
        for pattern in patterns:
            yield Rule(pattern, process)
