"""Secrets that hold a login of the database."""

import json
from dataclasses import dataclass

import pulumi

from infra.state.kept_secret import KeptSecret, KeptSecretArgs, random_password

_LENGTH = 40


@dataclass(frozen=True)
class LoginSecretArgs:
    """What `LoginSecret` takes.

    Args:
        name: As Secrets Manager calls it: `/spool/dev/database/app`.
        password: The first one; a random one where it is None.
        key: ARN of its key; AWS' own where it is None.
        recoverable, protect: As `KeptSecretArgs`.
    """

    name: str
    username: str
    key: pulumi.Input[str] | None
    recoverable: bool
    protect: bool
    password: pulumi.Output[str] | None = None


class LoginSecret(KeptSecret):
    """A secret of a user name and a password, `{"username": …, "password": …}`.

    Attributes:
        password: The first one. A rotation puts others into the secret, which nobody here sees.
    """

    KIND = "ground:LoginSecret"

    def __init__(
        self, name: str, args: LoginSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        password = args.password
        if password is None:
            # RDS takes no /, @, " or space; URLs and templates are glad of no others either.
            password = random_password(_LENGTH, opts.parent if opts else None)
        super().__init__(
            name,
            KeptSecretArgs(
                name=args.name,
                about=f"The database's login {args.username}",
                value=password.apply(
                    lambda known: json.dumps({"username": args.username, "password": known})
                ),
                kms_key=args.key,
                recoverable=args.recoverable,
                first_value_stays=True,
                protect=args.protect,
            ),
            opts,
        )
        self.password: pulumi.Output[str] = self.version.secret_string.apply(
            lambda text: str(json.loads(text or "")["password"])
        )
