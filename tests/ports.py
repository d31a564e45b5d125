"""Ports for servers that tests start."""

import random

from app.local.ports import free_port

# Below those that the kernel gives to connections (ip_local_port_range, 32768 and up by default):
# between the choice and the server's start, somebody's connection would take one of those.
_FIRST, _LAST = 10_000, 32_000


def unused_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    return free_port(host, random.randrange(_FIRST, _LAST))  # noqa: S311  # spreads ports only
