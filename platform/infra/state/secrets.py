"""Secrets that the application makes up itself."""

import json
from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.grants import Grant
from infra.names import Names
from infra.state.kept_secret import KeptSecret, KeptSecretArgs, random_password

# Of letters and digits: 380 bits, where 256 are asked for.
_CHARACTERS = 64


@dataclass(frozen=True)
class SecretsArgs:
    """What `Secrets` takes.

    Args:
        names: Of the stack.
        kms_key: ARN of the key of secrets; the account's own where it is None.
        recoverable: As `KeptSecretArgs`.
    """

    names: Names
    kms_key: pulumi.Input[str] | None
    recoverable: bool


class Secrets(Component):
    """Keys that sign tokens and links.

    To change them, add a key to the JSON under `keys`, wait until all pods have it, then name it in
    `signs`; take the old one out when what it signed has expired. The program leaves the value as
    it is.

    Attributes:
        signing: The secret; its `keys` are JSON, key by id, and `signs` is one of the ids.
    """

    KIND = "state:Secrets"

    def __init__(
        self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.signing = KeptSecret(
            f"{name}-signing",
            KeptSecretArgs(
                name=args.names.path("api", "signing"),
                about="Keys that sign tokens and links, by key id, and which of them signs.",
                value=random_password(_CHARACTERS, self).apply(
                    lambda key: json.dumps({"keys": json.dumps({"k1": key}), "signs": "k1"})
                ),
                kms_key=args.kms_key,
                recoverable=args.recoverable,
                first_value_stays=True,
                protect=args.recoverable,
            ),
            opts=self.child(),
        )
        self.register_outputs({"signing": self.signing.arn})

    def signing_grant(self) -> Grant:
        """Signs and verifies tokens and links: every role of the API, and workers."""
        return Grant(
            secrets={
                "SPOOL_SIGNING_KEYS": self.signing.value("keys"),
                "SPOOL_SIGNING_KEY_ID": self.signing.value("signs"),
            }
        )
