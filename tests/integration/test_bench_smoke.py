"""The benchmarks run. What they measure is nobody's business here: their sizes are tiny."""

from collections.abc import Awaitable, Callable

import pytest

from tests.bench import p6_wake, p7_get_asset, sqs_broker
from tests.bench.pairs import Options, Report
from tests.bench.report import json_line, make_console, print_tables

_TINY = Options(pairs=1, quick=True)


# Those that take a moment; the others encode, upload, or fill tables.
@pytest.mark.parametrize("run", [p6_wake.run, p7_get_asset.run, sqs_broker.run])
async def test_a_benchmark_runs_and_prints_what_it_found(
    run: Callable[[Options], Awaitable[Report]], capsys: pytest.CaptureFixture[str]
) -> None:
    report = await run(_TINY)
    print_tables(report, make_console())
    assert "goal" in capsys.readouterr().out
    assert report.title in json_line(report)
    values = [side.value for each in report.comparisons for pair in each.pairs for side in pair]
    values += [figure.value for figure in report.figures]
    assert min(values) > 0
