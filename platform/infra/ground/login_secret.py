"""Secrets that hold a login of the database."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component

_LENGTH = 40


@dataclass(frozen=True)
class LoginSecretArgs:
    """What `LoginSecret` takes.

    Args:
        name: As Secrets Manager calls it: `/spool/dev/database/app`.
        password: The first one; a random one where it is None.
        key: ARN of its key; AWS' own where it is None.
    """

    name: str
    about: str
    username: str
    key: pulumi.Input[str] | None
    protect: bool
    password: pulumi.Output[str] | None = None


class LoginSecret(Component):
    """A secret of a user name and a password, `{"username": …, "password": …}`.

    Attributes:
        name, arn: Of the secret.
        password: The first one. A rotation puts others into the secret, which nobody here sees.
    """

    KIND = "ground:LoginSecret"

    def __init__(
        self, name: str, args: LoginSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        secret = aws.secretsmanager.Secret(
            name,
            name=args.name,
            description=args.about,
            kms_key_id=args.key,
            # Days in which the name is taken and the secret can be had back.
            recovery_window_in_days=30 if args.protect else 0,
            opts=self.child(protect=args.protect),
        )
        password = args.password
        if password is None:
            # RDS takes no /, @, " or space; URLs and templates are glad of no others either.
            password = aws.secretsmanager.get_random_password_output(
                password_length=_LENGTH,
                exclude_punctuation=True,
                opts=pulumi.InvokeOutputOptions(parent=self),
            ).random_password
        secret_password: pulumi.Output[str] = pulumi.Output.secret(password)
        version = aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.arn,
            secret_string=secret_password.apply(
                lambda known: json.dumps({"username": args.username, "password": known})
            ),
            # Every run draws another password; the first one stays.
            opts=self.child(ignore_changes=["secret_string"]),
        )
        self.name: pulumi.Output[str] = secret.name
        self.arn: pulumi.Output[str] = version.secret_id
        self.password: pulumi.Output[str] = version.secret_string.apply(
            lambda text: str(json.loads(text or "")["password"])
        )
        self.register_outputs({"name": self.name, "arn": self.arn})
