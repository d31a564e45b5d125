"""Backups of what cannot be made again: the database and the sources, here and in another region.

The database has its own points in time for minutes, which RDS can keep in another region as well;
these backups are for what takes those along: a deleted instance, and with Aurora a lost region.
docs/runbooks/restore.md says how they are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.day_two.notices import Notice, tell
from infra.names import Names
from infra.trust import service_trust

_SERVICE = "service-role/AWSBackupServiceRolePolicyFor"
_POLICIES = {
    "backup": f"arn:aws:iam::aws:policy/{_SERVICE}Backup",
    "restores": f"arn:aws:iam::aws:policy/{_SERVICE}Restores",
    "s3-backup": "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    "s3-restore": "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore",
}
# Recovery points of an hour ago at most (PU-13): hourly ones are kept for a day or two, daily ones
# as long as the database goes back. RDS begins no backup in its weekly maintenance
# (`infra.ground.server`) nor in the hour before.
_HOURS = "0-3,6-23"
_HOURLY_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class RecoveryArgs:
    """What `Recovery` takes.

    Args:
        resources: ARNs of the database and the source bucket.
        instance: ARN of the database where it is an instance of RDS; Aurora copies no points in
            time.
        daily_days: How long daily backups are kept.
        replica: Provider of the region of the copies, if any.
        topic_arn: Where failed backups are told.
        protect: Vaults resist deletion.
    """

    names: Names
    resources: Sequence[pulumi.Input[str]]
    instance: pulumi.Input[str] | None
    daily_days: int
    replica: aws.Provider | None
    topic_arn: pulumi.Input[str]
    protect: bool


class Recovery(Component):
    """A vault, a plan of hourly and daily backups, and copies of all of them in another region."""

    KIND = "day-two:Recovery"

    def __init__(
        self, name: str, args: RecoveryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        vault = self._vault(name, args, self.child(protect=args.protect))
        copies = None
        if args.replica is not None:
            there = self.child(protect=args.protect, provider=args.replica)
            copies = self._vault(f"{name}-copies", args, there)
            if args.instance is not None:
                self._points_in_time(f"{name}-copies", args, args.instance, there)
        plan = aws.backup.Plan(
            name,
            name=args.names.of("backups", longest=50),
            rules=[
                _rule("hourly", f"cron(0 {_HOURS} ? * * *)", 180, _HOURLY_DAYS, vault, copies),
                _rule("daily", "cron(30 2 ? * * *)", 480, args.daily_days, vault, copies),
            ],
            opts=self.child(),
        )
        aws.backup.Selection(
            name,
            name=args.names.of("state", longest=50),
            plan_id=plan.id,
            iam_role_arn=self._role(name, args).arn,
            resources=list(args.resources),
            opts=self.child(),
        )
        # By EventBridge: of failed backups the vault's own notices no longer tell.
        tell(
            f"{name}-failed",
            Notice(
                args.names.of("backups-failed"),
                "aws.backup",
                ["Backup Job State Change", "Copy Job State Change"],
                {"state": ["ABORTED", "EXPIRED", "FAILED"]},
            ),
            args.topic_arn,
            self.child(),
        )
        self.register_outputs({"vault_name": vault.name})

    def _points_in_time(
        self,
        name: str,
        args: RecoveryArgs,
        instance: pulumi.Input[str],
        there: pulumi.ResourceOptions,
    ) -> None:
        """The database's own backups and logs, there too: to any second but the last minutes."""
        key = aws.kms.Key(
            name,
            description=f"{args.names.project} {args.names.stack}: copies of the database",
            enable_key_rotation=True,
            deletion_window_in_days=30 if args.protect else 7,
            opts=there,
        )
        aws.rds.InstanceAutomatedBackupsReplication(
            name,
            source_db_instance_arn=instance,
            kms_key_id=key.arn,
            retention_period=args.daily_days,
            opts=self.child(provider=args.replica),
        )

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
            assume_role_policy=service_trust("backup"),
            opts=self.child(),
        )
        for what, arn in _POLICIES.items():
            aws.iam.RolePolicyAttachment(
                f"{name}-{what}", role=role.name, policy_arn=arn, opts=self.child()
            )
        return role


def _rule(
    name: str,
    schedule: str,
    minutes: int,
    days: int,
    vault: aws.backup.Vault,
    copies: aws.backup.Vault | None,
) -> aws.backup.PlanRuleArgs:
    copied = [
        aws.backup.PlanRuleCopyActionArgs(
            destination_vault_arn=each.arn,
            lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(delete_after=days),
        )
        for each in (copies,)
        if each is not None
    ]
    return aws.backup.PlanRuleArgs(
        rule_name=name,
        target_vault_name=vault.name,
        schedule=schedule,
        start_window=60,
        completion_window=minutes,
        lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=days),
        copy_actions=copied or None,
    )
