"""What every component is: a named part of the stack, whose parts are its children."""

from typing import Any, ClassVar

import pulumi


class Component(pulumi.ComponentResource):
    """A part of the stack with typed arguments in and declared outputs out.

    Subclasses set `KIND`, take `(name, args, opts)`, give every resource `self.child()` and end
    with `register_outputs`.
    """

    KIND: ClassVar[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"spool:{self.KIND}", name, None, opts)

    def child(self, **options: Any) -> pulumi.ResourceOptions:
        """Options of a resource of this component."""
        return pulumi.ResourceOptions(parent=self, **options)
