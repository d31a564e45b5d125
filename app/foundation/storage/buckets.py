"""Which bucket an object lies in: told by how its key begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Buckets:
    """A bucket for everything, and others for what begins with certain words.

    Args:
        by_prefix: Bucket by prefix; none of the prefixes begins with another.
    """

    default: str
    by_prefix: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Each once, the default one first."""
        return tuple(dict.fromkeys((self.default, *self.by_prefix.values())))

    def of(self, key: str) -> str:
        for prefix, bucket in self.by_prefix.items():
            if key.startswith(prefix):
                return bucket
        return self.default

    def under(self, prefix: str) -> tuple[str, ...]:
        """The buckets in which keys with this prefix may lie."""
        found = [self.of(prefix)]
        for known, bucket in self.by_prefix.items():
            if known.startswith(prefix):
                found.append(bucket)
        return tuple(dict.fromkeys(found))
