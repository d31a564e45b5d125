"""All rules, by what they protect."""

from collections.abc import Sequence

from policy.rules import access, encryption, images, operations, storage, transport, workloads
from policy.rules.rule import Rule

ALL: Sequence[Rule] = (
    *access.RULES,
    *encryption.RULES,
    *images.RULES,
    *operations.RULES,
    *storage.RULES,
    *transport.RULES,
    *workloads.RULES,
)
