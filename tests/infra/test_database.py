"""The database of each preset: RDS or Aurora, its logins, its proxy, and who may reach it."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from infra.config.settings import Settings
from infra.grants import combined
from infra.ground.database import Database, DatabaseArgs
from infra.names import Names
from tests.infra.programs import minimal
from tests.infra.recorder import Recorded, Recording, record

_INSTANCE = "aws:rds/instance:Instance"
_CLUSTER = "aws:rds/cluster:Cluster"
_SECRET = "aws:secretsmanager/secret:Secret"
_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
_KEY = "arn:aws:kms:us-east-1:123456789012:key/"


def _database(preset: str = "dev", *, preview: bool = False, **values: Any) -> Recording:
    settings = Settings.of("spool", preset, {**minimal(preset), **values})
    chosen = settings.database

    def program() -> None:
        database = Database(
            "database",
            DatabaseArgs(
                names=Names("spool", preset),
                kind=chosen.database,
                version=chosen.database_version,
                instance_class=chosen.database_class,
                multi_az=chosen.database_multi_az,
                replicas=chosen.database_replicas,
                storage_gib=chosen.database_storage_gib,
                storage_max_gib=chosen.database_storage_max_gib,
                min_acu=chosen.aurora_min_acu,
                max_acu=chosen.aurora_max_acu,
                backup_days=chosen.database_backup_days,
                password=chosen.database_password,
                rotation_days=chosen.database_rotation_days,
                proxy=chosen.database_proxy,
                protect=settings.general.protect,
                monitoring=chosen.database_monitoring,
                log_retention_days=settings.application.log_retention_days,
                vpc_id="vpc-1",
                subnet_ids=[pulumi.Output.from_input(f"database-{zone}") for zone in "ab"],
                private_subnet_ids=[pulumi.Output.from_input(f"private-{zone}") for zone in "ab"],
                clients={"pods": "pods-sg"},
                database_key=f"{_KEY}database",
                secrets_key=f"{_KEY}secrets",
                logs_key=f"{_KEY}logs",
            ),
        )
        for name, grant in (("app", database.app_grant()), ("mig", database.migration_grant())):
            for variable, secret in grant.secrets.items():
                pulumi.export(f"{name} {variable}", secret.template)
                pulumi.export(f"{name} {variable} from", secret.arn)
        combined([database.app_grant(), database.app_grant(), database.migration_grant()])
        pulumi.export("hosts", [database.host, database.reader_host])
        pulumi.export("instances", database.instance_identifiers)
        pulumi.export("owner", database.master_secret_arn)

    return record(program, stack=preset, preview=preview)


def _parameters(group: Recorded) -> dict[str, str]:
    return {each["name"]: each["value"] for each in group.inputs["parameters"]}


def _secret(value: Any) -> Any:
    """What is within an input, which must be a secret to the engine."""
    assert value[rpc._special_sig_key] == rpc._special_secret_sig
    return value["value"]


def _held(recording: Recording, secret: str) -> dict[str, str]:
    text = _secret(recording.one(_VERSION, f"database-{secret}").inputs["secretString"])
    held: dict[str, str] = json.loads(text)
    return held


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        ("dev", {"instanceClass": "db.t3.micro", "multiAz": False, "backupRetentionPeriod": 1}),
        ("staging", {"instanceClass": "db.t3.small", "multiAz": True, "backupRetentionPeriod": 7}),
        ("prod", {"instanceClass": "db.r6g.large", "multiAz": True, "backupRetentionPeriod": 30}),
    ],
)
def test_presets(preset: str, wanted: dict[str, Any]) -> None:
    recording = _database(preset)
    instance = recording.one(_INSTANCE)
    assert wanted.items() <= instance.inputs.items()
    assert instance.inputs["identifier"] == f"spool-db-{preset}"
    assert instance.inputs["storageEncrypted"] is True
    assert instance.inputs["storageType"] == "gp3"
    assert instance.inputs["publiclyAccessible"] is False
    assert instance.inputs["manageMasterUserPassword"] is True
    assert instance.inputs["monitoringInterval"] == (0 if preset == "dev" else 60)
    assert bool(recording.of_type("aws:rds/proxy:Proxy")) is (preset == "prod")
    assert bool(recording.of_type("aws:lambda/function:Function")) is (preset != "dev")


def test_prod_resists_deletion_and_leaves_a_snapshot() -> None:
    for recording, type_ in (
        (_database("prod"), _INSTANCE),
        (_database("prod", database="aurora"), _CLUSTER),
    ):
        server = recording.one(type_)
        assert server.protect
        assert server.inputs["deletionProtection"] is True
        assert server.inputs["skipFinalSnapshot"] is False
        assert server.inputs["finalSnapshotIdentifier"] == "spool-db-prod-final"
        assert {each.inputs["recoveryWindowInDays"] for each in recording.of_type(_SECRET)} == {30}


def test_dev_leaves_nothing() -> None:
    for recording, type_ in (
        (_database(), _INSTANCE),
        (_database(database="aurora"), _CLUSTER),
    ):
        server = recording.one(type_)
        assert not server.protect
        assert server.inputs["skipFinalSnapshot"] is True
        assert server.inputs["deleteAutomatedBackups"] is True
        assert server.inputs["deletionProtection"] is False
        assert {each.inputs["recoveryWindowInDays"] for each in recording.of_type(_SECRET)} == {0}


def test_log_groups_are_there_before_the_server_would_make_them() -> None:
    for recording, server, kinds in (
        (
            _database(),
            _INSTANCE,
            ("instance/spool-db-dev/postgresql", "instance/spool-db-dev/upgrade"),
        ),
        (_database(database="aurora"), _CLUSTER, ("cluster/spool-db-dev/postgresql",)),
    ):
        groups = recording.of_type("aws:cloudwatch/logGroup:LogGroup")
        assert {each.inputs["name"] for each in groups} == {f"/aws/rds/{kind}" for kind in kinds}
        assert {each.inputs["retentionInDays"] for each in groups} == {7}
        assert {each.urn for each in groups} <= set(recording.one(server).depends_on)


def test_tls_is_forced_by_both() -> None:
    rds = _database().one("aws:rds/parameterGroup:ParameterGroup")
    aurora = _database(database="aurora").one("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    assert (rds.inputs["family"], aurora.inputs["family"]) == ("postgres16", "aurora-postgresql16")
    assert _parameters(rds)["rds.force_ssl"] == _parameters(aurora)["rds.force_ssl"] == "1"


def test_aurora_has_somebody_to_take_over_where_rds_has() -> None:
    dev, prod = _database(database="aurora"), _database("prod", database="aurora")
    instance = "aws:rds/clusterInstance:ClusterInstance"
    assert len(dev.of_type(instance)) == 1
    assert len(prod.of_type(instance)) == 2
    assert {each.inputs["instanceClass"] for each in prod.of_type(instance)} == {"db.serverless"}
    assert dev.one(_CLUSTER).inputs["serverlessv2ScalingConfiguration"] == {
        "minCapacity": 0.5,
        "maxCapacity": 1,
    }
    assert prod.outputs["hosts"] == [
        "spool-db-prod.cluster.us-east-1.rds.amazonaws.com",
        "spool-db-prod.cluster-ro.us-east-1.rds.amazonaws.com",
    ]


def test_replicas_are_read_from() -> None:
    recording = _database("prod", databasePassword="secret", databaseReplicas="2")
    replicas = [each for each in recording.of_type(_INSTANCE) if "replicateSourceDb" in each.inputs]
    names = {each.inputs["identifier"] for each in replicas}
    assert names == {"spool-db-prod-1", "spool-db-prod-2"}
    assert {each.inputs["skipFinalSnapshot"] for each in replicas} == {True}
    assert {each.inputs["maxAllocatedStorage"] for each in replicas} == {1000}
    writer, reader = recording.outputs["hosts"]
    assert writer.startswith("spool-db-prod.")
    assert reader.startswith("spool-db-prod-1.")
    assert len(recording.outputs["instances"]) == 3


def test_a_master_password_of_ours_stays_the_first_one() -> None:
    recording = _database(databasePassword="secret")
    instance = recording.one(_INSTANCE)
    password = _secret(instance.inputs["password"])
    assert _held(recording, "owner") == {"username": "spool_owner", "password": password}
    assert instance.ignored == ("password",)
    assert "secretString" in recording.one(_VERSION, "database-owner").ignored
    assert "manageMasterUserPassword" not in instance.inputs


@pytest.mark.parametrize("kind", ["rds", "aurora"])
def test_the_url_says_who_to_be_and_whom_to_trust(kind: str) -> None:
    recording = _database(database=kind)
    host = recording.outputs["hosts"][0]
    url = (
        f"postgresql+asyncpg://{{{{ .username }}}}:{{{{ .password | urlquery }}}}@{host}:5432/spool"
    )
    assert recording.outputs["app SPOOL_DATABASE_URL"] == f"{url}?ssl=verify-full"
    assert recording.outputs["mig SPOOL_DATABASE_URL"] == f"{url}?ssl=verify-full"
    assert recording.outputs["mig SPOOL_MIGRATION_DATABASE_URL"] == f"{url}?ssl=verify-full"
    owner = recording.outputs["mig SPOOL_MIGRATION_DATABASE_URL from"]
    assert owner == recording.outputs["owner"] != recording.outputs["app SPOOL_DATABASE_URL from"]
    assert "app SPOOL_MIGRATION_DATABASE_URL" not in recording.outputs


@pytest.mark.parametrize("kind", ["rds", "aurora"])
def test_the_app_goes_by_the_proxy_and_migrations_do_not(kind: str) -> None:
    recording = _database("prod", database=kind)
    proxy = "@spool-db-proxy-prod.proxy.us-east-1.rds.amazonaws.com:5432/"
    assert proxy in recording.outputs["app SPOOL_DATABASE_URL"]
    assert proxy not in recording.outputs["mig SPOOL_MIGRATION_DATABASE_URL"]
    assert recording.one("aws:rds/proxy:Proxy").inputs["requireTls"] is True
    target = recording.one("aws:rds/proxyTarget:ProxyTarget").inputs
    key = {"rds": "dbInstanceIdentifier", "aurora": "dbClusterIdentifier"}[kind]
    assert target[key] == "spool-db-prod"
    waits = recording.one("spool:ground:Proxy").depends_on
    assert any("nstance::database-server" in urn for urn in waits)


def test_a_proxy_knows_both_logins_of_the_app() -> None:
    recording = _database("prod")
    assert _held(recording, "app") == _held(recording, "login")
    assert _held(recording, "login-clone")["username"] == "spool_login_clone"
    # A stack may do without its proxy again, and is never without the app's secret.
    protected = {each.name for each in recording.of_type(_SECRET) if each.protect}
    assert protected == {"database-app"}
    function = recording.one("aws:lambda/function:Function")
    variables = function.inputs["environment"]["variables"]
    known = json.loads(variables["LOGIN_SECRETS"])
    assert set(known) == {"spool_login", "spool_login_clone"}
    auths = recording.one("aws:rds/proxy:Proxy").inputs["auths"]
    assert {each["secretArn"] for each in auths} == set(known.values())


def test_only_clients_and_who_works_for_them_get_in() -> None:
    recording = _database("prod")
    rules = {
        each.name: (each.inputs["securityGroupId"], each.inputs["referencedSecurityGroupId"])
        for each in recording.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    }
    assert rules == {
        "database-pods": ("database-server-SecurityGroup", "pods-sg"),
        "database-proxy": ("database-server-SecurityGroup", "database-proxy-SecurityGroup"),
        "database-proxy-pods": ("database-proxy-SecurityGroup", "pods-sg"),
        "database-rotation-database": (
            "database-server-SecurityGroup",
            "database-rotation-SecurityGroup",
        ),
    }
    for each in recording.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert each.inputs["fromPort"] == each.inputs["toPort"] == 5432


def test_what_is_rotated() -> None:
    rotation = "aws:secretsmanager/secretRotation:SecretRotation"
    managed, ours = _database("staging"), _database("staging", databasePassword="secret")
    assert {each.name for each in managed.of_type(rotation)} == {"database-rotation-app"}
    assert {each.name for each in ours.of_type(rotation)} == {
        "database-rotation-app",
        "database-rotation-owner",
    }
    assert {each.inputs["rotateImmediately"] for each in ours.of_type(rotation)} == {False}
    assert {
        each.inputs["sourceArn"] for each in ours.of_type("aws:lambda/permission:Permission")
    } == {each.inputs["secretId"] for each in ours.of_type(rotation)}


def test_the_function_may_do_what_its_steps_do_and_no_more() -> None:
    recording = _database("staging")
    policy = json.loads(
        recording.one("aws:iam/rolePolicy:RolePolicy", "database-rotation").inputs["policy"]
    )
    allowed = {
        action: each["Resource"] for each in policy["Statement"] for action in each["Action"]
    }
    app = recording.outputs["app SPOOL_DATABASE_URL from"]
    assert allowed["secretsmanager:UpdateSecretVersionStage"] == [app]
    assert allowed["kms:Decrypt"] == [f"{_KEY}secrets"]
    for_all = {action for action, resources in allowed.items() if resources == ["*"]}
    assert {action.split(":")[0] for action in for_all} == {"ec2", "secretsmanager"}
    assert "secretsmanager:GetSecretValue" not in for_all


@pytest.mark.parametrize(
    "values",
    [{}, {"database": "aurora"}, {"databasePassword": "secret", "databaseReplicas": "1"}],
    ids=["rds", "aurora", "replicas"],
)
def test_a_preview_makes_the_same(values: dict[str, str]) -> None:
    there, here = (
        {each.urn for each in _database("prod", preview=preview, **values).resources}
        for preview in (True, False)
    )
    assert there == here
