"""What benchmarks print: tables for people, a line of JSON for programs."""

import argparse
import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import IO, Any

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench.machine import describe_machine
from tests.bench.pairs import PAIRS, Comparison, Figure, Goal, Options, Report, Sample

_WIDTH = 110


def run_alone(benchmark: Callable[[Options], Coroutine[Any, Any, Report]]) -> None:
    """What `python -m tests.bench.…` does."""
    quiet_logs()
    parser = argparse.ArgumentParser()
    add_options(parser)
    report = asyncio.run(benchmark(options_in(parser.parse_args())))
    print_tables(report, make_console())
    print(json_line(report))


def quiet_logs() -> None:
    """What is measured logs to files; what runs in this process shall not mix with the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs")
    parser.add_argument("--full", action="store_true", help="the goal's sizes, which take long")


def options_in(given: argparse.Namespace) -> Options:
    return Options(pairs=given.pairs, quick=given.quick, full=given.full)


def make_console(file: IO[str] | None = None) -> Console:
    """As wide as the tables, also where it is no terminal that shows them."""
    console = Console(file=file)
    return console if console.is_terminal else Console(file=file, width=_WIDTH)


def print_tables(report: Report, console: Console) -> None:
    for comparison in report.comparisons:
        console.print(_table_of_pairs(comparison))
    if report.figures:
        console.print(_table_of_figures(report))
    for note in report.notes:
        console.print(f"  {note}", highlight=False)
    console.print()


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
    with_cpu = comparison.pairs[0][0].cpu_seconds is not None
    table = Table(title=f"{comparison.id}  {comparison.name}", title_justify="left")
    table.add_column("pair", justify="right")
    for side in (comparison.a, comparison.b):
        table.add_column(f"{side}\n{comparison.unit}", justify="right")
        if with_cpu:
            table.add_column("CPU s", justify="right")
            table.add_column("PG s", justify="right")
    table.add_column("A ÷ B", justify="right")
    for number, (a, b) in enumerate(comparison.pairs, start=1):
        cells = [*_cells(a, with_cpu=with_cpu), *_cells(b, with_cpu=with_cpu)]
        table.add_row(str(number), *cells, f"{a.value / b.value:.3f}")
    table.add_section()
    blank = [""] * (6 if with_cpu else 2)
    verdict = _verdict(comparison.ratio, comparison.goal)
    table.add_row("median", *blank, f"{comparison.ratio:.3f}  {verdict}".rstrip())
    if comparison.cpu_ratio is not None:
        verdict = _verdict(comparison.cpu_ratio, comparison.cpu_goal)
        table.add_row("CPU", *blank, f"{comparison.cpu_ratio:.3f}  {verdict}".rstrip())
    return table


def _cells(sample: Sample, *, with_cpu: bool) -> list[str]:
    cells = [_number(sample.value)]
    if with_cpu:
        seconds = (sample.cpu_seconds, sample.postgres_cpu_seconds)
        cells += ["" if each is None else f"{each:.2f}" for each in seconds]
    return cells


def _table_of_figures(report: Report) -> Table:
    table = Table(title=f"{report.id}  {report.title}", title_justify="left")
    for name in ("what", "value", "unit", "samples", "goal"):
        table.add_column(name, justify="left" if name in {"what", "unit"} else "right")
    for figure in report.figures:
        table.add_row(*_row(figure))
    return table


def _row(figure: Figure) -> list[str]:
    goal = _verdict(figure.value, figure.goal)
    return [figure.name, _number(figure.value), figure.unit, str(figure.samples), goal]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _verdict(value: float, goal: Goal | None) -> str:
    if goal is None:
        return ""
    return f"goal {goal}: {'met' if goal.met(value) else 'NOT MET'}"
