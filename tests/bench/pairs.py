"""A and B in turn, and what their ratios say.

A machine that is shared, warms up or slows down does so to both sides of a pair. So the figure is
the median of the ratios within the pairs, and never a ratio of two medians.
"""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

PAIRS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How long a benchmark may take.

    Args:
        pairs: Pairs of runs, A and B.
        quick: A tenth of the work, to see that it runs; the figures mean little.
        full: The sizes of the goal where the default is smaller.
    """

    pairs: int = PAIRS
    quick: bool = False
    full: bool = False

    def scaled(self, amount: int, quick: int) -> int:
        return quick if self.quick else amount


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one side.

    Args:
        value: What was measured, in the unit of the comparison.
        cpu_seconds: Of the processes that are compared, PostgreSQL's not among them.
        postgres_cpu_seconds: Of all of PostgreSQL's processes in that time.
    """

    value: float
    cpu_seconds: float | None = None
    postgres_cpu_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit of `goals`, such as ≤ 1.05."""

    relation: Literal["≤", "≥"]
    limit: float

    def met(self, value: float) -> bool:
        return value <= self.limit if self.relation == "≤" else value >= self.limit

    def __str__(self) -> str:
        return f"{self.relation} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs of runs of A and B."""

    id: str
    name: str
    a: str
    b: str
    unit: str
    pairs: Sequence[tuple[Sample, Sample]]
    goal: Goal | None = None
    cpu_goal: Goal | None = None

    @property
    def ratio(self) -> float:
        return statistics.median(a.value / b.value for a, b in self.pairs)

    @property
    def cpu_ratio(self) -> float | None:
        ratios = [
            a.cpu_seconds / b.cpu_seconds for a, b in self.pairs if a.cpu_seconds and b.cpu_seconds
        ]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is no ratio, such as a percentile."""

    id: str
    name: str
    unit: str
    value: float
    samples: int
    goal: Goal | None = None


@dataclass(slots=True)
class Report:
    """What one benchmark found, and what one has to know to read it."""

    id: str
    title: str
    comparisons: list[Comparison] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Run = Callable[[], Awaitable[Sample]]


async def in_turn(count: int, *sides: Run) -> list[list[Sample]]:
    """Runs the sides `count` times, in turn; who goes first changes from round to round.

    Returns:
        The samples of each side; those with the same index belong together.
    """
    samples: list[list[Sample]] = [[] for _ in sides]
    for number in range(count):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for side in order:
            samples[side].append(await sides[side]())
    return samples


def paired(a: Sequence[Sample], b: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    return list(zip(a, b, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was measured, none in between."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]
