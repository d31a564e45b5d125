"""All benchmarks, one after the other: `make bench`, or `python -m tests.bench [p5 p7]`.

Tables go to the terminal and to test-results/bench.txt, lines of JSON to test-results/bench.jsonl.
"""

import argparse
import asyncio
from pathlib import Path

from tests.bench import (
    p1_pipeline,
    p5_tasks,
    p6_wake,
    p7_get_asset,
    p8_s3,
    p8_upload,
    p9_list,
    p12_start,
    r11_overload,
    sqs_broker,
)
from tests.bench.report import (
    add_options,
    json_line,
    make_console,
    options_in,
    print_tables,
    quiet_logs,
)

BENCHMARKS = {
    "p1": p1_pipeline.run,
    "p5": p5_tasks.run,
    "p6": p6_wake.run,
    "p7": p7_get_asset.run,
    "p8": p8_upload.run,
    "p8s3": p8_s3.run,
    "p9": p9_list.run,
    "p12": p12_start.run,
    "r11": r11_overload.run,
    "sqs": sqs_broker.run,
}
_RESULTS = Path(__file__).parents[2] / "test-results"


def main() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    parser.add_argument("which", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if none")
    given = parser.parse_args()
    options = options_in(given)
    quiet_logs()
    _RESULTS.mkdir(exist_ok=True)
    with (
        (_RESULTS / "bench.txt").open("w") as tables,
        (_RESULTS / "bench.jsonl").open("w") as lines,
    ):
        for name in given.which or BENCHMARKS:
            report = asyncio.run(BENCHMARKS[name](options))
            for console in (make_console(), make_console(tables)):
                print_tables(report, console)
            print(json_line(report), file=lines, flush=True)
            tables.flush()


if __name__ == "__main__":
    main()
