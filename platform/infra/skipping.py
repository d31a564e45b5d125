"""Leaves out resources of types that a target lacks, so that no component has to know of it.

Servers that stand in for AWS lack some services. A resource of such a type is registered as a
component instead: it is seen in the plan, has its inputs as outputs, and asks no provider for
anything. For tests; on AWS the list is empty and nothing here happens.
"""

from collections.abc import Callable, Collection
from typing import Any

import pulumi
import pulumi.resource

_REGISTER = "register_resource"


def skip_types(types: Collection[str]) -> None:
    """From now on, resources of these types are components in this process' program.

    The SDK has no such hook: a transform may change what a resource is given and not what it is.
    So the function that it registers resources with is wrapped; calling this again replaces the
    list of types.
    """
    register: Callable[..., None] = getattr(pulumi.resource, _REGISTER)
    plain: Callable[..., None] = getattr(register, "wrapped", register)

    def registering(res: Any, ty: str, name: str, custom: bool, *rest: Any, **more: Any) -> None:
        if ty not in types:
            plain(res, ty, name, custom, *rest, **more)
            return
        plain(res, f"spool:skipped:{ty.rpartition(':')[2]}", name, False, *rest, **more)
        res.__dict__["id"] = pulumi.Output.from_input(f"skipped-{name}")

    registering.wrapped = plain  # type: ignore[attr-defined]  # what this function stands before
    setattr(pulumi.resource, _REGISTER, registering)
