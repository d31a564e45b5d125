"""Keys of our own in KMS, one per class of data: who may read one class may not read another.

A key's policy leaves the account to its IAM policies, and lets in the services that encrypt in
their own name: nobody's role could grant them anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names

Use = Literal["media", "database", "messages", "secrets", "logs", "cluster"]
USES: tuple[Use, ...] = get_args(Use)
_ENCRYPT = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_DATA_KEYS = ("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey")
_ABOUT: Mapping[Use, str] = {
    "media": "sources, media, frames and the archive",
    "database": "the database, its snapshots and its insights",
    "messages": "queues, topics and streams",
    "secrets": "secrets of the application and of the database",
    "logs": "log groups and the trail",
    "cluster": "secrets of the cluster and volumes of its nodes",
}


@dataclass(frozen=True)
class KeysArgs:
    """What `Keys` takes.

    Args:
        account: Account id; key policies name it.
        region: Where logs come from.
        customer_managed: Keys of our own; AWS' own keys otherwise, and nothing is made.
        protect: The keys resist deletion, and take a month over it.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    customer_managed: bool
    protect: bool


class Keys(Component):
    """A key and an alias for each class of data, or none of them."""

    KIND = "ground:Keys"

    def __init__(
        self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._keys: dict[Use, aws.kms.Key] = {}
        for use in USES if args.customer_managed else ():
            key = aws.kms.Key(
                f"{name}-{use}",
                description=f"{args.names.project} {args.names.stack}: {_ABOUT[use]}",
                enable_key_rotation=True,
                deletion_window_in_days=30 if args.protect else 7,
                policy=pulumi.Output.from_input(args.account).apply(
                    partial(_policy_text, use, args.region)
                ),
                opts=self.child(protect=args.protect),
            )
            aws.kms.Alias(
                f"{name}-{use}",
                name=f"alias/{args.names.of(use)}",
                target_key_id=key.key_id,
                opts=self.child(),
            )
            self._keys[use] = key
        self.register_outputs({use: key.arn for use, key in self._keys.items()})

    def arn(self, use: Use) -> pulumi.Output[str] | None:
        """ARN of the key; None where AWS' own is used."""
        key = self._keys.get(use)
        return key.arn if key else None


def key_policy(use: Use, account: str, region: str) -> dict[str, Any]:
    """The policy of the key of `use`; `*` as a resource is the key itself."""
    administration = {
        "Sid": "AccountByItsPolicies",
        "Effect": "Allow",
        # Less, and a key whose administrators are gone can be administered by nobody, ever.
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [administration, *_guests(use, account, region)],
    }


def _policy_text(use: Use, region: str, account: str) -> str:
    return json.dumps(key_policy(use, account, region))


def _guests(use: Use, account: str, region: str) -> list[dict[str, Any]]:
    of_this_account = {"StringEquals": {"aws:SourceAccount": account}}
    if use == "media":
        # By its ARN, which every distribution of the account has: the bucket's policy names ours,
        # which is made after the key.
        distributions = f"arn:aws:cloudfront::{account}:distribution/*"
        return [
            _service(
                "CloudFrontReads",
                ["cloudfront"],
                ["kms:Decrypt"],
                {"ArnLike": {"aws:SourceArn": distributions}},
            )
        ]
    if use == "messages":
        senders = ["sns", "s3", "events", "cloudwatch", "budgets", "costalerts", "ses"]
        return [
            _service(
                "ServicesSend", senders, ["kms:Decrypt", "kms:GenerateDataKey"], of_this_account
            )
        ]
    if use == "logs":
        groups = f"arn:aws:logs:{region}:{account}:log-group:*"
        trails = f"arn:aws:cloudtrail:*:{account}:trail/*"
        return [
            _service(
                "LogGroups",
                [f"logs.{region}"],
                [*_ENCRYPT, *_DATA_KEYS],
                {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            ),
            # By the trail that it is for: a look at the key has no encryption context.
            _service(
                "Trails",
                ["cloudtrail"],
                ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"],
                {"ArnLike": {"aws:SourceArn": trails}},
            ),
        ]
    return _launchers(account) if use == "cluster" else []


def _launchers(account: str) -> list[dict[str, Any]]:
    """Who starts nodes opens their volumes with a service-linked role, which has no kms actions.

    Named in a condition and not as principals: KMS refuses a policy with a role that the account
    does not have yet.
    """
    roles = [
        f"arn:aws:iam::{account}:role/aws-service-role/{service}.amazonaws.com/{role}"
        for service, role in (
            ("autoscaling", "AWSServiceRoleForAutoScaling"),
            ("spot", "AWSServiceRoleForEC2Spot"),
            ("ec2fleet", "AWSServiceRoleForEC2Fleet"),
        )
    ]
    whom = {
        "StringEquals": {"kms:CallerAccount": account},
        "ArnEquals": {"aws:PrincipalArn": roles},
    }
    everybody = {"AWS": "*"}
    return [
        {
            "Sid": "LaunchersUse",
            "Effect": "Allow",
            "Principal": everybody,
            "Action": [*_ENCRYPT, *_DATA_KEYS],
            "Resource": "*",
            "Condition": whom,
        },
        {
            "Sid": "LaunchersLend",
            "Effect": "Allow",
            "Principal": everybody,
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": whom | {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def _service(
    sid: str, services: Sequence[str], actions: Sequence[str], condition: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
        "Action": list(actions),
        "Resource": "*",
        "Condition": dict(condition),
    }
