"""Backups of what cannot be made again: the database and the sources, here and in another region.

The database has its own points in time for minutes; these backups are for what takes those along:
a deleted instance, a lost region. docs/runbooks/restore.md says how they are used.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names

_SERVICE = "service-role/AWSBackupServiceRolePolicyFor"
_POLICIES = {
    "backup": f"arn:aws:iam::aws:policy/{_SERVICE}Backup",
    "restores": f"arn:aws:iam::aws:policy/{_SERVICE}Restores",
    "s3-backup": "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    "s3-restore": "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore",
}
# Recovery points of an hour ago at most (PU-13): hourly ones are kept for a day or two, daily ones
# as long as the database goes back.
_HOURLY_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class RecoveryArgs:
    """What `Recovery` takes.

    Args:
        resources: ARNs by name: the database, the source bucket.
        daily_days: How long daily backups are kept.
        replica: Provider of the region of the copies, if any.
        topic_arn: Where failed backups are told.
        protect: Vaults resist deletion.
    """

    names: Names
    resources: Mapping[str, pulumi.Input[str]]
    daily_days: int
    replica: aws.Provider | None
    topic_arn: pulumi.Input[str]
    protect: bool


class Recovery(Component):
    """A vault, a plan of hourly and daily backups, and copies of the daily ones.

    Attributes:
        vault_name: Where recovery points are.
    """

    KIND = "day-two:Recovery"

    vault_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: RecoveryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        vault = self._vault(name, args, self.child(protect=args.protect))
        copies = (
            self._vault(
                f"{name}-copies",
                args,
                self.child(protect=args.protect, provider=args.replica),
            )
            if args.replica is not None
            else None
        )
        plan = aws.backup.Plan(
            name,
            name=args.names.of("backups", longest=50),
            rules=[
                aws.backup.PlanRuleArgs(
                    rule_name="hourly",
                    target_vault_name=vault.name,
                    schedule="cron(0 * ? * * *)",
                    start_window=60,
                    completion_window=180,
                    lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=_HOURLY_DAYS),
                ),
                aws.backup.PlanRuleArgs(
                    rule_name="daily",
                    target_vault_name=vault.name,
                    schedule="cron(30 2 ? * * *)",
                    start_window=60,
                    completion_window=480,
                    lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=args.daily_days),
                    copy_actions=[
                        aws.backup.PlanRuleCopyActionArgs(
                            destination_vault_arn=copies.arn,
                            lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(
                                delete_after=args.daily_days
                            ),
                        )
                    ]
                    if copies is not None
                    else None,
                ),
            ],
            opts=self.child(),
        )
        aws.backup.Selection(
            name,
            name=args.names.of("state", longest=50),
            plan_id=plan.id,
            iam_role_arn=self._role(name, args).arn,
            resources=list(args.resources.values()),
            opts=self.child(),
        )
        aws.backup.VaultNotifications(
            name,
            backup_vault_name=vault.name,
            sns_topic_arn=args.topic_arn,
            backup_vault_events=["BACKUP_JOB_FAILED", "COPY_JOB_FAILED", "RESTORE_JOB_COMPLETED"],
            opts=self.child(),
        )
        self.vault_name = vault.name
        self.register_outputs({"vault_name": vault.name})

    def _vault(
        self, name: str, args: RecoveryArgs, opts: pulumi.ResourceOptions
    ) -> aws.backup.Vault:
        return aws.backup.Vault(
            name,
            name=args.names.of(name, longest=50),
            # What is thrown away with its stack takes its recovery points along.
            force_destroy=not args.protect,
            opts=opts,
        )

    def _role(self, name: str, args: RecoveryArgs) -> aws.iam.Role:
        role = aws.iam.Role(
            name,
            name=args.names.of("backup"),
            description="AWS Backup",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "backup.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
            opts=self.child(),
        )
        for what, arn in _POLICIES.items():
            aws.iam.RolePolicyAttachment(
                f"{name}-{what}", role=role.name, policy_arn=arn, opts=self.child()
            )
        return role
