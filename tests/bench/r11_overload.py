"""R11: what is left of the API's rate when it is asked five times as often as it can answer.

B is the peak: as fast as it is answered, by as many connections as P7 has. A is a load of five
times that rate, whether or not there are answers; what counts are the answers, and not the
refusals. Both come from this package's own generator, and all of it shares one machine: what the
generator needs for its requests is missing on both sides, and more of it in A.

    python -m tests.bench.r11_overload [--pairs 5] [--quick]
"""

from dataclasses import replace

from tests.bench.installation import Installation, install
from tests.bench.load import Answers, Load, apply_load
from tests.bench.p7_get_asset import CONNECTIONS
from tests.bench.pairs import (
    Comparison,
    Figure,
    Goal,
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

_SECONDS = 10
_TIMES = 5
# Enough for a rate that answers do not hold up: beside those that wait to be answered, more.
_CONNECTIONS = 1024


async def run(options: Options) -> Report:
    seconds = options.scaled(_SECONDS, 1)
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            published = await publish_asset(database, project)
        with running_api(installation) as (api, url):
            path = f"/v1/assets/{published.asset_id}"
            gentle = Load(url + path, published.headers, CONNECTIONS, seconds, may_be_refused=True)
            peak_side = _Side(installation, api, gentle)
            peak = (await peak_side.once()).value
            too_much = replace(gentle, connections=_CONNECTIONS, rate=_TIMES * peak)
            overload_side = _Side(installation, api, too_much)
            await overload_side.once()
            overload_side.answers.clear()
            overload, peaks = await in_turn(options.pairs, overload_side.once, peak_side.once)
    what = f"GET an asset: {_TIMES} times {peak:.0f} a second ÷ as fast as it is answered"
    report = Report("R11", "Load five times too high")
    report.comparisons.append(
        Comparison(
            "R11", what, "too much", "peak", "answers/s", paired(overload, peaks), Goal("≥", 0.9)
        )
    )
    refused = [each for answers in overload_side.answers for each in answers.refused]
    answered = [each for answers in overload_side.answers for each in answers.latencies]
    for name, values in (("answered", answered), ("refused", refused)):
        report.figures.append(
            Figure("R11", f"{name}, a second", "", len(values) / seconds / options.pairs, 1)
        )
        report.figures += [
            Figure("R11", f"due → {name}, p{percent}", "ms", 1000 * percentile(values, percent), n)
            for percent in (50, 99)
            if (n := len(values))
        ]
    report.notes.append(
        f"Load by tests.bench.load, {CONNECTIONS} and {_CONNECTIONS} connections, same machine."
    )
    return report


class _Side:
    """One side of the comparison, and all that it was answered."""

    def __init__(self, installation: Installation, api: Program, load: Load) -> None:
        self._installation = installation
        self._api = api
        self._load = load
        self.answers: list[Answers] = []

    async def once(self) -> Sample:
        cpu, postgres = self._api.cpu_seconds(), self._installation.postgres_cpu_seconds()
        answers = await apply_load(self._load)
        self.answers.append(answers)
        return Sample(
            answers.per_second,
            self._api.cpu_seconds() - cpu,
            self._installation.postgres_cpu_seconds() - postgres,
        )


if __name__ == "__main__":
    run_alone(run)
