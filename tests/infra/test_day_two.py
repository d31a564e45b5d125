"""Alarms, dashboards, budgets, backups and the account's guards."""

import json
import re
from dataclasses import replace

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.http.edge import NO_DEADLINE
from app.foundation.http.store_controller import StoreController
from app.uploads.simple_controller import SimpleUploadController, UploaderController
from app.uploads.tus_controller import TusController
from infra.day_two.alarms import Alarms, AlarmsArgs
from infra.day_two.budgets import Budgets, BudgetsArgs
from infra.day_two.governance import Governance, GovernanceArgs
from infra.day_two.grafana import grafana_dashboards
from infra.day_two.recovery import Recovery, RecoveryArgs
from infra.day_two.rules import alert_name, rule_groups
from infra.day_two.telemetry import Telemetry, TelemetryArgs
from infra.day_two.watch import TIMED, Places, Watch, watches
from infra.names import Names
from tests.infra.programs import ROOT
from tests.infra.recorder import Recording, record

_NAMES = Names("spool", "prod")
_PLACES = Places(
    queues=["spool-prod-encode-high"],
    dead_letters=["spool-prod-encode-high-dlq"],
    stream="spool-stream-prod",
    aurora=False,
    storage_gib=100,
    connections=100,
    load_balancer=True,
    insights=True,
)
_OF_AWS = "arn:aws:sns:us-east-1:1:t"


def _by_name(places: Places = _PLACES) -> dict[str, Watch]:
    return {watch.name: watch for watch in watches(places)}


def test_thresholds_are_those_of_the_requirements() -> None:
    found = _by_name()
    errors = found["http-errors"]
    assert (errors.threshold, errors.periods, errors.metrics["requests"].period) == (5, 1, 300)
    slow = found["http-slow"]
    assert (slow.threshold, slow.metrics["p95"].statistic) == (2, "p95")
    assert found["queue-spool-prod-encode-high"].threshold == 1000
    assert found["dead-spool-prod-encode-high-dlq"].threshold == 0
    assert {"stream-read-throttled", "stream-write-throttled"} <= set(found)
    assert {"nodes-cpu", "nodes-memory", "database-cpu"} <= set(found)


@given(
    st.builds(
        Places,
        queues=st.lists(st.from_regex(r"[a-z]{1,20}", fullmatch=True), unique=True, max_size=6),
        dead_letters=st.just(()),
        stream=st.none() | st.just("s"),
        aurora=st.booleans(),
        storage_gib=st.integers(20, 1000),
        connections=st.integers(1, 5000),
        load_balancer=st.booleans(),
        insights=st.booleans(),
    )
)
def test_each_condition_is_named_once_and_watched_somewhere(places: Places) -> None:
    found = watches(places)
    assert len({watch.name for watch in found}) == len(found)
    for watch in found:
        assert watch.metrics or watch.promql
        assert (watch.expression is not None) == (len(watch.metrics) > 1)
        assert watch.about.endswith(".")


@pytest.mark.parametrize(
    ("errors", "refused", "requests", "percent"),
    [(0, 3, 0, 100), (5, 0, 100, 5), (0, 6, 94, 6), (0, 0, 10, 0)],
)
def test_a_site_without_pods_is_an_error_though_no_request_reached_one(
    errors: int, refused: int, requests: int, percent: float
) -> None:
    watch = _by_name()["http-errors"]
    assert watch.metrics["refused"].name == "HTTPCode_ELB_5XX_Count"
    counted = {"errors": errors, "refused": refused, "requests": requests}
    math = {"FILL": lambda value, _: value, "IF": lambda when, then, other: then if when else other}
    assert eval(watch.expression or "", {**math, **counted}) == percent  # noqa: S307  # our own


def test_nodes_are_alarmed_of_only_where_cloudwatch_measures_them() -> None:
    found = _by_name(replace(_PLACES, insights=False))
    assert not found["nodes-cpu"].metrics
    assert found["nodes-cpu"].promql


def test_rules_mirror_the_alarms() -> None:
    (group,) = rule_groups(watches(_PLACES))
    alerts = {rule["alert"] for rule in group["rules"]}
    assert alerts == {alert_name(name) for name, each in _by_name().items() if each.promql}
    only_cloudwatch = {name for name, each in _by_name().items() if not each.promql}
    # What neither Spool nor a node exporter can see.
    assert all(name.startswith(("database-", "stream-write")) for name in only_cloudwatch)


def test_every_metric_that_is_asked_for_is_one_that_spool_has() -> None:
    documented = set(
        re.findall(
            r"^\| `([a-z_]+)` \|", (ROOT / "docs/observability.md").read_text(), re.MULTILINE
        )
    )
    asked = json.dumps(rule_groups(watches(_PLACES))) + "".join(grafana_dashboards().values())
    named = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in re.findall(r"\b(?:spool|video|http)_[a-z_]+", asked)
    }
    assert named <= documented | {f"{name}_total" for name in documented}


def test_what_takes_as_long_as_it_takes_is_not_slow() -> None:
    pattern = TIMED.removeprefix('route!~"').removesuffix('"')
    for controller in (SimpleUploadController, StoreController, TusController, UploaderController):
        assert controller.opt[NO_DEADLINE]
        assert re.fullmatch(pattern, f"/v1{controller.path}")
    assert not re.fullmatch(pattern, "/v1/uploads/{upload_id}")


def test_the_runbook_has_a_word_on_each() -> None:
    page = (ROOT / "docs/runbooks/alarms.md").read_text()
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    used = set()
    for name in _by_name():
        (heading,) = [h for h in headings if name == h or (h.endswith("-") and name.startswith(h))]
        used.add(heading)
    assert used == set(headings)


def _alarms() -> Recording:
    def program() -> None:
        Alarms(
            "alarms",
            AlarmsArgs(
                names=_NAMES,
                account="123456789012",
                watches=watches(_PLACES),
                places={"load_balancer": "app/a/1", "database": "db", "cluster": "c"},
                emails=["ops@spool.example"],
                kms_key=None,
            ),
        )

    return record(program)


def test_every_alarm_tells_the_topic() -> None:
    recording = _alarms()
    alarms = recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {each.name.removeprefix("alarms-") for each in alarms} == {
        name for name, watch in _by_name().items() if watch.metrics
    }
    topic = recording.one("aws:sns/topic:Topic")
    for alarm in alarms:
        assert alarm.inputs["alarmActions"] == ["arn:aws:sns:us-east-1:123456789012:alarms"]
        assert sum(bool(each["returnData"]) for each in alarm.inputs["metricQueries"]) == 1
    policy = json.loads(recording.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])
    assert "cloudwatch.amazonaws.com" in str(policy)
    assert topic.inputs["name"] == "spool-alarms-prod"


def test_dashboards_are_json_with_places_for_all() -> None:
    def program() -> None:
        Telemetry(
            "telemetry",
            TelemetryArgs(
                names=_NAMES,
                region="us-east-1",
                cluster="c",
                load_balancer="app/a/1",
                log_group="/spool/prod/application",
                queues=["q1", "q2"],
                database=("DBInstanceIdentifier", "db"),
                distribution="E1",
                watches=watches(_PLACES),
                prometheus=[],
            ),
        )

    recording = record(program)
    made = recording.of_type("aws:cloudwatch/dashboard:Dashboard")
    assert {each.inputs["dashboardName"] for each in made} == {
        "spool-application-prod",
        "spool-workers-prod",
        "spool-infrastructure-prod",
    }
    for each in made:
        widgets = json.loads(each.inputs["dashboardBody"])["widgets"]
        assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets) >= 4
    rules = recording.one("kubernetes:monitoring.coreos.com/v1:PrometheusRule")
    assert rules.inputs["spec"]["groups"]


def test_a_budget_is_told_of_before_it_is_spent() -> None:
    def program() -> None:
        Budgets("b", BudgetsArgs(_NAMES, 400, _OF_AWS, []))

    budget = record(program).one("aws:budgets/budget:Budget").inputs
    assert [each["threshold"] for each in budget["notifications"]] == [80, 100, 100]
    assert budget["costFilters"][0]["values"] == ["user:stack$prod"]


@pytest.mark.parametrize("copied", [False, True])
def test_backups_are_hourly_and_daily_and_copied(copied: bool) -> None:
    def program() -> None:
        replica = aws.Provider("replica", region="us-west-2") if copied else None
        Recovery(
            "recovery",
            RecoveryArgs(
                names=_NAMES,
                resources=["arn:aws:rds:1", "arn:aws:s3:::b"],
                instance="arn:aws:rds:1",
                daily_days=30,
                replica=replica,
                topic_arn=_OF_AWS,
                protect=True,
            ),
        )

    recording = record(program)
    hourly, daily = recording.one("aws:backup/plan:Plan").inputs["rules"]
    assert hourly["schedule"].startswith("cron(0 0-3,6-23 ")
    assert daily["lifecycle"]["deleteAfter"] == 30
    for rule in (hourly, daily):
        assert bool(rule.get("copyActions")) == copied
    # Any second there too, and not the last hour's end.
    there = recording.of_type(
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    )
    assert [each.inputs["sourceDbInstanceArn"] for each in there] == ["arn:aws:rds:1"] * copied
    assert "FAILED" in recording.one("aws:cloudwatch/eventRule:EventRule").inputs["eventPattern"]
    assert recording.one("aws:cloudwatch/eventTarget:EventTarget").inputs["arn"] == _OF_AWS
    assert all(each.protect for each in recording.of_type("aws:backup/vault:Vault"))


def test_ci_and_people_come_in_by_what_they_are() -> None:
    def program() -> None:
        governance = Governance(
            "governance",
            GovernanceArgs(
                names=_NAMES,
                account="123456789012",
                region="us-east-1",
                trail="spool-trail-prod",
                trail_bucket="logs",
                trail_key="arn:aws:kms:us-east-1:123456789012:key/logs",
                topic_arn=_OF_AWS,
                ci_repository="films/spool",
            ),
        )
        pulumi.export("roles", governance.ci_roles)

    recording = record(program)
    trust = {
        each.name.rpartition("-")[2]: json.loads(each.inputs["assumeRolePolicy"])["Statement"][0]
        for each in recording.of_type("aws:iam/role:Role")
    }
    assert "repo:films/spool:environment:prod" in str(trust["deploy"]["Condition"])
    assert "repo:films/spool:ref:refs/heads/main" in str(trust["images"]["Condition"])
    assert "MultiFactorAuthPresent" in str(trust["admin"]["Condition"])
    trail = recording.one("aws:cloudtrail/trail:Trail").inputs
    assert trail["enableLogFileValidation"]
    assert trail["kmsKeyId"].endswith(":key/logs")
    assert set(recording.outputs["roles"]) == {"images", "deploy"}
    assert recording.one("aws:cloudwatch/eventTarget:EventTarget").inputs["arn"] == _OF_AWS


def test_ci_deploys_stacks_that_have_not_the_accounts_baseline() -> None:
    def program() -> None:
        Governance(
            "governance",
            GovernanceArgs(
                names=Names("spool", "dev"),
                account="123456789012",
                region="us-east-1",
                trail=None,
                trail_bucket="logs",
                trail_key=None,
                topic_arn=_OF_AWS,
                ci_repository="films/spool",
            ),
        )

    recording = record(program)
    role = recording.one("aws:iam/role:Role").inputs["assumeRolePolicy"]
    assert "oidc-provider/token.actions.githubusercontent.com" in role
    assert "repo:films/spool:environment:dev" in role
    assert {each.type for each in recording.resources if each.type.startswith("aws:")} == {
        "aws:iam/role:Role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }
