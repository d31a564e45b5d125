"""The longest chain of resources that wait for each other: what an update takes at least."""

from collections.abc import Mapping, Sequence

from tests.infra.recorder import Recorded, Recording


def longest_chain(recording: Recording) -> list[str]:
    """Names from the first that is made to the last, by dependencies and by providers.

    Ties go to the one that was registered first, so that the answer stays the same.
    """
    by_urn: Mapping[str, Recorded] = {each.urn: each for each in recording.resources}
    chains: dict[str, list[str]] = {}

    def chain(urn: str) -> list[str]:
        if urn not in chains:
            chains[urn] = []  # what waits for itself is no chain
            found = by_urn[urn]
            before = [chain(other) for other in _waits_for(found) if other in by_urn]
            longest = max(before, key=len, default=[])
            own = [] if found.type.startswith("spool:") else [found.name]
            chains[urn] = [*longest, *own]
        return chains[urn]

    return max((chain(urn) for urn in by_urn), key=len)


def _waits_for(resource: Recorded) -> Sequence[str]:
    provider = resource.provider.rpartition("::")[0]
    return [*resource.depends_on, *([provider] if provider else [])]
