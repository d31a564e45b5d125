"""Which role serves a path: one table for load balancers, for error messages and for tests.

Patterns are those of an Application Load Balancer: `*` stands for any characters. They are tried
from the top, and the first that fits counts.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase

PATHS: Mapping[str, tuple[str, ...]] = {
    "uploader": (
        "/v1/uploads",
        "/v1/uploads/*",
        "/v1/tus",
        "/v1/tus/*",
        "/api/uploader/*",
        "/_store/*",
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
    # Playback ids stand at the root, so what is nobody else's is the catalog's.
    "catalog": ("/*",),
}
# Where the console stands at the root it takes what is left, and these are the catalog's; tried in
# its place.
BESIDE_CONSOLE = (
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
)
# Every process answers these for itself.
OWN_PATHS = ("/health", "/ready", "/metrics", "/errors", "/docs", "/openapi.json", "/static")


def role_of(path: str) -> str:
    """The role that a path without its query belongs to."""
    return next(
        role
        for role, patterns in PATHS.items()
        if role == "catalog" or any(fnmatchcase(path, pattern) for pattern in patterns)
    )
