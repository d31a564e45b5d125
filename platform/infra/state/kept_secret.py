"""A value in Secrets Manager, from where External Secrets brings it to the pods."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import SecretValue

# A label of our own, which stays on the version that it is given to.
_FIRST = "FIRST"


@dataclass(frozen=True)
class KeptSecretArgs:
    """What `KeptSecret` takes.

    Args:
        name: Of the secret: `/spool/dev/api/signing`.
        about: What is in it.
        value: JSON.
        kms_key: ARN of the key of secrets; the account's own where it is None.
        recoverable: Can be brought back for a month after its deletion; else it is gone at once,
            and its name is free.
        first_value_stays: The value is random and made once: what is there is never overwritten,
            so that it can be changed by hand.
        protect: It resists deletion. Not for what a switch of the stack takes away.
    """

    name: str
    about: str
    value: pulumi.Input[str]
    kms_key: pulumi.Input[str] | None
    recoverable: bool
    first_value_stays: bool
    protect: bool = False


class KeptSecret(Component):
    """A secret.

    Attributes:
        name, arn: Of the secret; the ARN is known when there is a value.
        version: The value that the program put there.
    """

    KIND = "state:KeptSecret"

    def __init__(
        self, name: str, args: KeptSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        secret = aws.secretsmanager.Secret(
            name,
            name=args.name,
            description=args.about,
            kms_key_id=args.kms_key,
            recovery_window_in_days=30 if args.recoverable else 0,
            opts=self.child(protect=args.protect),
        )
        stays = args.first_value_stays
        self.version = aws.secretsmanager.SecretVersion(
            name,
            secret_id=secret.arn,
            secret_string=pulumi.Output.secret(args.value),
            # After two changes a version has no label, and Secrets Manager deletes it: a refresh
            # would miss it, and the next run put another first value over what is there.
            version_stages=["AWSCURRENT", _FIRST] if stays else None,
            opts=self.child(ignore_changes=["secretString", "versionStages"] if stays else None),
        )
        self.name: pulumi.Output[str] = secret.name
        self.arn: pulumi.Output[str] = self.version.secret_id
        self.register_outputs({"arn": self.arn})

    def value(self, key: str | None = None) -> SecretValue:
        """One field of its JSON, or the whole."""
        return SecretValue(self.name, self.arn, key, self.version.version_id)


def random_password(length: int, parent: pulumi.Resource | None) -> pulumi.Output[str]:
    """Letters and digits, another time others: for a first value that stays.

    Args:
        parent: Whose provider of AWS is asked.
    """
    made = aws.secretsmanager.get_random_password_output(
        password_length=length,
        exclude_punctuation=True,
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )
    return pulumi.Output.secret(made.random_password)
