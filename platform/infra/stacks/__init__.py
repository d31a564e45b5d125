"""Stacks for tools: the Automation API over Spool's program, typed.

`Environments` makes, finds and reaps them; an `Environment` is one of them.
"""

from infra.stacks.environment import Environment
from infra.stacks.environments import Environments

__all__ = ["Environment", "Environments"]
