"""What tracing costs `GET /v1/assets/{id}`: off, and on with a collector that takes all spans.

python -m tests.bench.tracing_cost [--pairs 5] [--quick]
"""

from collections.abc import Awaitable, Callable

from tests.bench.installation import install
from tests.bench.load import Load, apply_load, generator
from tests.bench.pairs import (
    Comparison,
    Figure,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
    percentile,
)
from tests.bench.programs import Program, running_api
from tests.bench.published_asset import publish_asset
from tests.bench.report import run_alone
from tests.servers.otlp import collector

CONNECTIONS = 32
_SECONDS = 5


async def run(options: Options) -> Report:
    seconds = options.scaled(_SECONDS, 1)
    with collector() as receiver:
        async with install() as installation:
            project = await installation.add_project()
            async with installation.database() as database:
                published = await publish_asset(database, project)
            path = f"/v1/assets/{published.asset_id}"
            with (
                running_api(installation) as (off, off_url),
                running_api(installation, SPOOL_OTLP_ENDPOINT=receiver.grpc_url) as (on, on_url),
            ):
                sides = [
                    _side(program, Load(url + path, published.headers, CONNECTIONS, seconds))
                    for program, url in ((on, on_url), (off, off_url))
                ]
                for side in sides:
                    await side()
                with_spans, without = await in_turn(options.pairs, *sides)
        taken = len(receiver.spans)
    report = Report("tracing", "What tracing costs")
    report.comparisons.append(
        Comparison("tracing", "GET an asset", "on", "off", "req/s", paired(with_spans, without))
    )
    for name, samples in (("on", with_spans), ("off", without)):
        spent = [(each.cpu_seconds or 0.0) / (each.value * seconds) * 1e6 for each in samples]
        value = percentile(spent, 50)
        report.figures.append(
            Figure("tracing", f"CPU per request, {name}", "µs", value, len(spent))
        )
    report.notes.append(f"Load by {generator()}; the collector took {taken} spans meanwhile.")
    return report


def _side(server: Program, load: Load) -> Callable[[], Awaitable[Sample]]:
    async def once() -> Sample:
        before = server.cpu_seconds()
        answers = await apply_load(load)
        return Sample(answers.per_second, server.cpu_seconds() - before)

    return once


if __name__ == "__main__":
    run_alone(run)
