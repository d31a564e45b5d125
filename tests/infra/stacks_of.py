"""A recording as the policy's rules look at it."""

from collections.abc import Mapping
from typing import Any

from pulumi.output import Unknown

from policy.rules.rule import UNKNOWN, Resource, Stack
from tests.infra.recorder import Recording

_SECRET = "4dabf18193072939515e22adb298388d"  # the signature that marks a secret


def stack_of(recording: Recording, preset: str, *, eu_residency: bool = False) -> Stack:
    """All resources but our components, which have no properties."""
    return Stack(
        resources=[
            Resource(each.type, each.name, plain(each.inputs), each.protect)
            for each in recording.resources
            if not each.type.startswith("spool:")
        ],
        preset=preset,
        eu_residency=eu_residency,
    )


def plain(value: Any) -> Any:
    """Without marks of secrets; `UNKNOWN` for what a preview cannot know."""
    if isinstance(value, Mapping):
        if _SECRET in value:
            return plain(value.get("value"))
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return UNKNOWN if isinstance(value, Unknown) else value
