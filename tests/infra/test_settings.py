"""The stack's configuration: defaults by preset, what is refused, and the files made of it."""

import dataclasses
import json
from collections.abc import Mapping

import pytest

from infra.config.reading import ConfigInvalid, snake
from infra.config.reference import ROOT, pulumi_yaml, reference
from infra.config.settings import Settings
from infra.config.table import KEYS, SECTIONS
from tests.infra.programs import minimal


def _settings(preset: str = "dev", **values: str) -> Settings:
    return Settings.of("spool", preset, {**minimal(preset), **values})


def test_fields_are_the_keys() -> None:
    sections = [
        field.type
        for field in dataclasses.fields(Settings)
        if isinstance(field.type, type) and dataclasses.is_dataclass(field.type)
    ]
    assert [{each.name for each in dataclasses.fields(section)} for section in sections] == [
        {snake(name) for name in keys} for keys in SECTIONS.values()
    ]


def test_pulumi_yaml_and_the_reference_are_of_the_table() -> None:
    hint = "run python -m infra.config.reference"
    assert (ROOT / "Pulumi.yaml").read_text() == pulumi_yaml(), hint
    assert (ROOT / "docs" / "stack-settings.md").read_text() == reference(), hint


def test_presets_differ_as_the_table_of_environments_says() -> None:
    dev, staging, prod = (_settings(preset) for preset in ("dev", "staging", "prod"))
    assert [each.database.database_class for each in (dev, staging, prod)] == [
        "db.t3.micro",
        "db.t3.small",
        "db.r6g.large",
    ]
    assert [each.database.database_backup_days for each in (dev, staging, prod)] == [1, 7, 30]
    assert [each.application.log_retention_days for each in (dev, staging, prod)] == [7, 30, 90]
    assert [each.general.protect for each in (dev, staging, prod)] == [False, False, True]


def test_the_word_preset_is_the_presets_default() -> None:
    assert _settings("staging", zones="preset").network.zones == 3
    assert _settings("staging", zones="2").network.zones == 2


def test_an_empty_text_is_none_even_where_the_preset_has_one() -> None:
    assert _settings("prod").state.replica_region == "us-west-2"
    assert _settings("prod", replicaRegion="", region="us-west-2").state.replica_region == ""


@pytest.mark.parametrize(
    ("preset", "values", "word"),
    [
        ("dev", {"natGateway": "one"}, "did you mean natGateways"),
        ("dev", {"zones": "4"}, "must be 3 or less"),
        ("dev", {"zones": "two"}, "a whole number"),
        ("dev", {"waf": "yes"}, "true or false"),
        ("dev", {"waf": ""}, "true or false"),
        ("branch", {"expiresAt": "2026-12-01T10:00:00"}, "with its offset"),
        ("branch", {"expiresAt": "tomorrow"}, "with its offset"),
        ("dev", {"natGateways": "two"}, "one of none, one, per-zone"),
        ("dev", {"nodeTypes": "t3.medium"}, "must be JSON"),
        ("dev", {"natGateways": "none"}, "interfaceEndpoints to true"),
        ("dev", {"vpcCidr": "10.0.0.0/24"}, "a /16 to /20"),
        ("dev", {"vpcCidr": "8.0.0.0/16"}, "is public"),
        ("dev", {"zoneNames": '["us-east-1a"]'}, "1 names for 2 zones"),
        ("dev", {"euResidency": "true"}, "outside the EU"),
        ("dev", {"kubernetesVersion": "1.20"}, "is tested with"),
        ("dev", {"nodesMin": "5"}, "does not hold"),
        ("dev", {"compute": "fargate", "podCredentials": "pod-identity"}, "DaemonSet"),
        ("dev", {"compute": "fargate", "nodeScaling": "karpenter"}, "karpenter"),
        ("staging", {"compute": "fargate"}, "set it to false"),
        ("dev", {"adminRoleArns": '["a"]', "readOnlyRoleArns": '["a"]'}, "in one of them"),
        ("dev", {"databaseReplicas": "1"}, "makes no replicas"),
        ("dev", {"databaseStorageGib": "60"}, "must be larger"),
        ("dev", {"replicaRegion": "us-east-1"}, "own region"),
        ("dev", {"kinesis": "true"}, "kinesisProjectId"),
        ("dev", {"owner": "video, platform"}, "without commas"),
        ("dev", {"logRetentionDays": "45"}, "the nearest that it does is 30"),
        ("dev", {"mailFrom": "Spool"}, "has no address"),
        ("dev", {"workersMin": "9"}, "larger than workersMax"),
        ("dev", {"consoleImage": ""}, "all three, or none"),
        ("dev", {"apiImage": "spool/api:latest"}, "names a commit"),
        ("prod", {"apiImage": "spool/api:1"}, "by digest"),
        ("dev", {"cdn": "true"}, "spool-env keys new"),
        ("staging", {"cdnSigningKey": "other"}, "must name a key of both"),
        ("prod", {"domain": ""}, "not served without a name"),
        ("dev", {"apiGateway": "true"}, "set spool:domain"),
        ("dev", {"domain": "a.example"}, "without spool:hostedZoneId"),
        ("dev", {"target": json.dumps({"endpoints": "x"})}, "it takes endpoint"),
        ("dev", {"target": json.dumps({"maxRetries": "2"})}, "must be of type int"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_do(
    preset: str, values: Mapping[str, str], word: str
) -> None:
    with pytest.raises(ConfigInvalid, match=word):
        _settings(preset, **values)


def test_a_stack_is_called_as_its_buckets_may_be() -> None:
    with pytest.raises(ConfigInvalid, match="buckets bear its name"):
        Settings.of("spool", "Feature_1", minimal("dev"))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        _settings(zones="9", waf="maybe", zonez="1")
    assert len(refused.value.problems) == 3


def test_every_key_says_what_it_is() -> None:
    for name, key in KEYS.items():
        assert key.about.endswith("."), name
        assert key.default is None or key.presets is None, name
