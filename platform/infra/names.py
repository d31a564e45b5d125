"""Names of AWS resources: `spool-<what>-<stack>`, cut where AWS takes no longer ones.

A name that would be too long ends in a hash of the whole, so that two long names stay two.
"""

import hashlib
from dataclasses import dataclass

# Longest names that AWS takes, by kind of resource (each service's own API reference).
BUCKET = 63
CLUSTER = 100
DATABASE = 63
LOAD_BALANCER = 32
QUEUE = 80
# Of the 80, what the app's SPOOL_SQS_QUEUE_PREFIX may have.
QUEUE_PREFIX = 40
ROLE = 64
_HASH = 6


@dataclass(frozen=True)
class Names:
    """Names within one stack.

    Args:
        project: What all names begin with: `spool`.
        stack: What they end with: `dev`.
    """

    project: str
    stack: str

    def of(self, what: str, *, longest: int = ROLE) -> str:
        """The name of `what`, of `longest` characters at most."""
        return fitted(f"{self.project}-{what}-{self.stack}", longest)

    @property
    def queue_prefix(self) -> str:
        """What the app's `SPOOL_SQS_QUEUE_PREFIX` is: it adds queue and band behind it."""
        return fitted(f"{self.project}-{self.stack}", QUEUE_PREFIX)

    @property
    def cluster(self) -> str:
        """The cluster's; tags with it tell whose nodes, load balancers and roles are."""
        return self.of("cluster", longest=CLUSTER)

    def path(self, *parts: str) -> str:
        """Names of secrets, parameters and log groups: `/spool/dev/api/database`."""
        return "/" + "/".join((self.project, self.stack, *parts))


def fitted(name: str, longest: int) -> str:
    """`name`, or so much of it that it and six digits of its hash fit."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{name[: longest - _HASH - 1].rstrip('-')}-{digest}"
