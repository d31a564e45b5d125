"""Environments of branches: what they are called and when they end. Pure."""

import hashlib
import re
from datetime import datetime, timedelta

_PREFIX = "branch-"
# Names of resources carry the stack's name; the shortest limit is a load balancer's 32.
_LONGEST = 16
_SPAN = re.compile(r"^(\d+)([hd])$")


def stack_name(branch: str) -> str:
    """`feature/Captions for all` → `branch-feature-c-1f3a`: short, and another for each branch."""
    slug = re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")
    if not slug:
        raise ValueError(f"{branch!r} has no letter or digit to make a name of")
    name = _PREFIX + slug
    if len(name) <= _LONGEST and slug == branch:
        return name
    digest = hashlib.sha256(branch.encode()).hexdigest()[:4]
    return f"{name[: _LONGEST - 5].rstrip('-')}-{digest}"


def is_branch(stack: str) -> bool:
    return stack.startswith(_PREFIX)


def end_of(span: str, now: datetime) -> datetime:
    """`3d` or `12h` from now.

    Raises:
        ValueError: not such a span, or longer than 30 days.
    """
    found = _SPAN.match(span)
    if found is None:
        raise ValueError(f"{span!r} is no time span; write 12h or 3d")
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    if not 1 <= hours <= 30 * 24:
        raise ValueError("a branch's environment lives for an hour at least and 30 days at most")
    return now + timedelta(hours=hours)
