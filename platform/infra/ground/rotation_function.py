"""The function that changes passwords, and the secrets that it is called for.

AWS publishes functions like it, but as applications of CloudFormation; this one is a zip of
`rotation/` and of the packages that it imports, all of them plain Python.
"""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement, key_use
from infra.ground.security_groups import let_in, let_out, security_group
from infra.ground.server import NAME, PORT
from infra.ground.service_role import service_role
from infra.names import Names
from infra.trust import service_trust

ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 60
# pg8000 and what it stands on; boto3 is there in Lambda.
_PACKAGES = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")


@dataclass(frozen=True)
class RotationArgs:
    """What `Rotation` takes.

    Args:
        host: Where passwords are changed.
        database_security_group_id: Of the database, to which a way is opened.
        vpc_id, subnet_ids: Where it runs: private subnets, from which Secrets Manager is reached.
        owner_secret_arn: Login that may make others.
        rotated: ARNs of what is rotated, by a word for it.
        login_secrets: ARNs by login, where a proxy knows them from secrets of their own.
        secrets_key, logs_key: ARNs; AWS' own keys where they are None.
        days: Between two rotations.
    """

    names: Names
    host: pulumi.Input[str]
    database_security_group_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    owner_secret_arn: pulumi.Input[str]
    rotated: Mapping[str, pulumi.Input[str]]
    login_secrets: Mapping[str, pulumi.Input[str]]
    secrets_key: pulumi.Input[str] | None
    days: int
    log_retention_days: int
    logs_key: pulumi.Input[str] | None


class Rotation(Component):
    """A function of Lambda's in the VPC, and a schedule for each secret."""

    KIND = "ground:Rotation"

    def __init__(
        self, name: str, args: RotationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._args = name, args
        group = self._security_group()
        logs = aws.cloudwatch.LogGroup(
            name,
            name=args.names.path("database", "rotation"),
            retention_in_days=args.log_retention_days,
            kms_key_id=args.logs_key,
            opts=self.child(),
        )
        role, ready = service_role(
            name,
            service_trust("lambda"),
            physical_name=args.names.of("db-rotation"),
            may=self._may(logs),
            opts=self.child(),
        )
        function = aws.lambda_.Function(
            name,
            name=args.names.of("db-rotation"),
            description="Changes passwords of the database's logins for Secrets Manager",
            runtime="python3.13",
            architectures=["arm64"],
            handler="rotation.handler.handle",
            code=pulumi.AssetArchive(dict(code())),
            role=role.arn,
            timeout=_SECONDS,
            memory_size=256,
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=args.subnet_ids, security_group_ids=[group.id]
            ),
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={
                    "DATABASE_HOST": args.host,
                    "DATABASE_PORT": str(PORT),
                    "DATABASE_NAME": NAME,
                    "OWNER_SECRET": args.owner_secret_arn,
                    "LOGIN_SECRETS": pulumi.Output.json_dumps(dict(args.login_secrets)),
                }
            ),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_group=logs.name, log_format="JSON"
            ),
            # Its interfaces in the VPC are made and removed with this role.
            opts=self.child(depends_on=ready),
        )
        for what, secret in args.rotated.items():
            self._schedule(f"{name}-{what}", secret, function)
        self.register_outputs({"function_name": function.name})

    def _security_group(self) -> aws.ec2.SecurityGroup:
        args, database, child = self._args, self._args.database_security_group_id, self.child()
        group = security_group(
            self._name,
            args.names,
            "db-rotation",
            about="Who changes passwords of the database's logins",
            vpc_id=args.vpc_id,
            opts=child,
        )
        to_database, to_aws = f"{self._name}-database", f"{self._name}-aws"
        secrets = "Secrets Manager, by an endpoint or by NAT"
        let_out(to_database, group.id, PORT, about="PostgreSQL", server=database, opts=child)
        let_out(to_aws, group.id, 443, about=secrets, cidr="0.0.0.0/0", opts=child)
        let_in(
            to_database, database, PORT, about="Rotation of passwords", client=group.id, opts=child
        )
        return group

    def _may(self, logs: aws.cloudwatch.LogGroup) -> list[Statement]:
        args = self._args
        known = list(args.login_secrets.values())
        return [
            Statement(
                [
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                list(args.rotated.values()),
            ),
            Statement(["secretsmanager:GetSecretValue"], [args.owner_secret_arn]),
            Statement(
                ["secretsmanager:GetRandomPassword"],
                ["*"],
                why_all="a random password belongs to no secret",
            ),
            Statement(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [pulumi.Output.concat(logs.arn, ":*")],
            ),
            Statement(
                [
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:UnassignPrivateIpAddresses",
                ],
                ["*"],
                why_all="Lambda asks it of a function in a VPC before any interface is there",
            ),
            *([Statement(["secretsmanager:PutSecretValue"], known)] if known else []),
            *key_use(args.secrets_key, "kms:Decrypt", "kms:GenerateDataKey"),
        ]

    def _schedule(
        self, name: str, secret: pulumi.Input[str], function: aws.lambda_.Function
    ) -> None:
        permission = aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=function.name,
            principal="secretsmanager.amazonaws.com",
            source_arn=secret,
            opts=self.child(),
        )
        aws.secretsmanager.SecretRotation(
            name,
            secret_id=secret,
            rotation_lambda_arn=function.arn,
            rotation_rules=aws.secretsmanager.SecretRotationRotationRulesArgs(
                automatically_after_days=self._args.days
            ),
            # At first there is nothing to change: the migrations make the login.
            rotate_immediately=False,
            opts=self.child(depends_on=[permission]),
        )


def code() -> Mapping[str, pulumi.FileAsset]:
    """Every file of the zip, by its path there; nothing compiled, which differs by machine."""
    files = {
        f"rotation/{each.name}": each
        for each in (ROOT / "platform" / "infra" / "ground" / "rotation").glob("*.py")
    }
    files["aws_roots.pem"] = ROOT / "app" / "foundation" / "db" / "aws_roots.pem"
    for package in _PACKAGES:
        for file in importlib.metadata.files(package) or ():
            # Some ask their own installation for their version.
            if file.suffix == ".py" or file.name == "METADATA":
                files[str(file)] = Path(str(file.locate()))
    return {path: pulumi.FileAsset(str(file)) for path, file in sorted(files.items())}
