"""The program with its switches in every pair of positions: it runs, or is refused and told why."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from infra.config.reading import ConfigInvalid
from infra.config.settings import Settings
from tests.infra.programs import keys_of_the_cdn, minimal, run_program

# What goes with a position so that it can work.
_WITH: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("kinesis", "true"): {"kinesisProjectId": "prj_1"},
    ("cdn", "true"): keys_of_the_cdn(),
    ("natGateways", "none"): {"interfaceEndpoints": "true"},
    ("domain", "a.example"): {"hostedZoneId": "Z1"},
}
_SWITCHES: Mapping[str, Sequence[str]] = {
    "compute": ("nodes", "fargate"),
    "nodeScaling": ("cluster-autoscaler", "karpenter", "none"),
    "podCredentials": ("irsa", "pod-identity"),
    "database": ("rds", "aurora"),
    "databasePassword": ("managed", "secret"),
    "databaseProxy": ("false", "true"),
    "databaseReplicas": ("0", "1"),
    "kmsKeys": ("false", "true"),
    "natGateways": ("one", "none"),
    "kinesis": ("false", "true"),
    "bucketEvents": ("none", "s3", "eventbridge"),
    "cognito": ("false", "true"),
    "cdn": ("false", "true"),
    "domain": ("", "a.example"),
    "waf": ("false", "true"),
    "apiGateway": ("false", "true"),
    "prometheus": ("false", "true"),
    "accountBaseline": ("false", "true"),
    "backups": ("false", "true"),
    "replicaRegion": ("", "us-west-2"),
}
Row = dict[str, str]


def _config(row: Mapping[str, str]) -> Row:
    # Room in the database for the pods of every combination.
    config = {**minimal("dev"), "databaseClass": "db.t3.large", "auroraMaxAcu": "8", **row}
    for position in row.items():
        config |= _WITH.get(position, {})
    return config


def _works(row: Mapping[str, str]) -> bool:
    try:
        Settings.of("spool", "dev", _config(row))
    except ConfigInvalid:
        return False
    return True


def _pairs() -> set[frozenset[tuple[str, str]]]:
    return {
        frozenset({(one, a), (other, b)})
        for one, other in itertools.combinations(_SWITCHES, 2)
        for a, b in itertools.product(_SWITCHES[one], _SWITCHES[other])
        if _works({one: a, other: b})
    }


def covering() -> Iterator[Row]:
    """Rows that have every pair of positions that can work in one of them: greedy, and the same
    every time.
    """
    left = _pairs()
    while left:
        seed = min(left, key=lambda pair: json.dumps(sorted(pair)))
        row = dict(seed)
        for switch in _SWITCHES:
            if switch in row:
                continue
            fitting = [p for p in _SWITCHES[switch] if _works({**row, switch: p})]
            row[switch] = max(
                fitting,
                key=lambda position: sum(
                    frozenset({(switch, position), other}) in left for other in row.items()
                ),
            )
        covered = {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        left -= covered
        yield row


ROWS = list(covering())


def test_every_pair_that_can_work_is_in_a_row() -> None:
    seen = {frozenset(pair) for row in ROWS for pair in itertools.combinations(row.items(), 2)}
    assert _pairs() <= seen
    assert len(ROWS) <= 20


@pytest.mark.parametrize("row", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_it_runs_in_each_row(row: Row) -> None:
    recording = run_program("dev", _config(row))
    made = {each.type for each in recording.resources}
    assert ("aws:kinesis/stream:Stream" in made) == (row["kinesis"] == "true")
    assert ("aws:rds/cluster:Cluster" in made) == (row["database"] == "aurora")
    assert ("aws:cloudfront/distribution:Distribution" in made) == (row["cdn"] == "true")
    assert ("aws:cognito/userPool:UserPool" in made) == (row["cognito"] == "true")

    watched = {
        value
        for alarm in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        for query in alarm.inputs["metricQueries"]
        for value in query.get("metric", {}).get("dimensions", {}).values()
    }
    queues = {each.inputs["name"] for each in recording.of_type("aws:sqs/queue:Queue")}
    streams = {each.inputs["name"] for each in recording.of_type("aws:kinesis/stream:Stream")}
    assert {name for name in queues if name.endswith("-dlq")} | streams <= watched
