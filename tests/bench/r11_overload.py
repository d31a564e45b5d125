"""R11: what is left of the API's rate when it is asked five times as often as it can answer.

B is the peak: as fast as it is answered, by as many connections as P7 has. A is a load of five
times that rate, whether or not there are answers; what counts are the answers, and not the
refusals. Both come from this package's own generator, and all of it shares one machine: what the
generator needs for its requests is missing on both sides, and more of it in A.

    python -m tests.bench.r11_overload [--pairs 5] [--quick]
"""

import json
from dataclasses import replace
from typing import Any

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
_UPLOAD = json.dumps({"filename": "film.mp4", "size_bytes": 20_000_000})


async def run(options: Options) -> Report:
    seconds = options.scaled(_SECONDS, 1)
    report = Report("R11", "Load five times too high")
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            published = await publish_asset(database, project)
        with running_api(installation) as (api, url):
            for what, path, body in (
                ("GET an asset", f"/v1/assets/{published.asset_id}", ""),
                ("create an upload", "/v1/uploads", _UPLOAD),
            ):
                load = Load(
                    url + path,
                    published.headers,
                    CONNECTIONS,
                    seconds,
                    may_be_refused=True,
                    body=body,
                )
                await _measure(report, options, what, _Side(installation, api, load))
    report.notes.append(
        f"Load by tests.bench.load, {CONNECTIONS} and {_CONNECTIONS} connections, same machine."
    )
    return report


async def _measure(report: Report, options: Options, what: str, peak: "_Side") -> None:
    rate = _TIMES * (await peak.once()).value
    overload = peak.with_load(rate=rate, connections=_CONNECTIONS)
    await overload.once()
    overload.answers.clear()
    overloads, peaks = await in_turn(options.pairs, overload.once, peak.once)
    name = f"{what}: {rate:.0f} a second ÷ as fast as it is answered"
    pairs = paired(overloads, peaks)
    report.comparisons.append(
        Comparison("R11", name, "too much", "peak", "answers/s", pairs, Goal("≥", 0.9))
    )
    for kind in ("latencies", "refused"):
        values = [each for answers in overload.answers for each in getattr(answers, kind)]
        said = "answered" if kind == "latencies" else kind
        report.figures += [
            Figure("R11", f"{what}: due → {said}, p{percent}", "ms", 1000 * value, len(values))
            for percent in (50, 99)
            if (value := percentile(values or [0.0], percent))
        ]


class _Side:
    """One side of the comparison, and all that it was answered."""

    def __init__(self, installation: Installation, api: Program, load: Load) -> None:
        self._installation = installation
        self._api = api
        self._load = load
        self.answers: list[Answers] = []

    def with_load(self, **changes: Any) -> "_Side":
        return _Side(self._installation, self._api, replace(self._load, **changes))

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
