"""A and B in turn, and what their ratios say.

A machine that is shared, warms up or slows down does so to both sides of a pair. So the figure is
the median of the ratios within the pairs, and never a ratio of two medians.
"""

import argparse
import asyncio
import json
import logging
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench.machine import describe_machine

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


def print_report(report: Report, console: Console | None = None) -> None:
    """Tables for people, then a line of JSON for programs."""
    console = console or Console(width=110)
    for comparison in report.comparisons:
        console.print(_table_of_pairs(comparison))
    if report.figures:
        console.print(_table_of_figures(report))
    for note in report.notes:
        console.print(f"  {note}", highlight=False)
    console.print()
    print(json_line(report), flush=True)


def json_line(report: Report) -> str:
    summary = {
        "id": report.id,
        "title": report.title,
        "machine": describe_machine(),
        "comparisons": [
            asdict(comparison) | {"ratio": comparison.ratio, "cpu_ratio": comparison.cpu_ratio}
            for comparison in report.comparisons
        ],
        "figures": [asdict(figure) for figure in report.figures],
        "notes": report.notes,
    }
    return json.dumps(summary, ensure_ascii=False)


def _table_of_pairs(comparison: Comparison) -> Table:
    table = Table(title=f"{comparison.id}  {comparison.name}", title_justify="left")
    table.add_column("pair", justify="right")
    for side in (comparison.a, comparison.b):
        table.add_column(f"{side}\n{comparison.unit}", justify="right")
        table.add_column("CPU s", justify="right")
        table.add_column("PG s", justify="right")
    table.add_column("A ÷ B", justify="right")
    for number, (a, b) in enumerate(comparison.pairs, start=1):
        table.add_row(str(number), *_cells(a), *_cells(b), f"{a.value / b.value:.3f}")
    verdict = _verdict(comparison.ratio, comparison.goal)
    table.add_section()
    table.add_row("median", *[""] * 6, f"{comparison.ratio:.3f}{verdict}")
    if comparison.cpu_ratio is not None:
        verdict = _verdict(comparison.cpu_ratio, comparison.cpu_goal)
        table.add_row("CPU", *[""] * 6, f"{comparison.cpu_ratio:.3f}{verdict}")
    return table


def _cells(sample: Sample) -> list[str]:
    seconds = (sample.cpu_seconds, sample.postgres_cpu_seconds)
    return [f"{sample.value:,.4g}", *("" if s is None else f"{s:.2f}" for s in seconds)]


def _table_of_figures(report: Report) -> Table:
    table = Table(title=f"{report.id}  {report.title}", title_justify="left")
    for name in ("what", "value", "unit", "samples", "goal"):
        table.add_column(name, justify="left" if name in {"what", "unit"} else "right")
    for figure in report.figures:
        goal = _verdict(figure.value, figure.goal).strip()
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, str(figure.samples), goal)
    return table


def _verdict(value: float, goal: Goal | None) -> str:
    if goal is None:
        return ""
    return f"  goal {goal}: {'met' if goal.met(value) else 'NOT MET'}"


def run_alone(benchmark: Callable[[Options], Awaitable[Report]]) -> None:
    """What `python -m tests.bench.…` does."""
    quiet_logs()
    options = options_of()
    print_report(asyncio.run(_awaited(benchmark(options))))


async def _awaited(report: Awaitable[Report]) -> Report:
    return await report


def quiet_logs() -> None:
    """What is measured logs to files; what runs in this process shall not mix with the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def options_of(arguments: Sequence[str] | None = None) -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs")
    parser.add_argument("--full", action="store_true", help="the goal's sizes, which take long")
    given = parser.parse_args(arguments)
    return Options(pairs=given.pairs, quick=given.quick, full=given.full)
