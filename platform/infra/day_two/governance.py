"""What an account has once: who watches it, what it costs unforeseen. And who deploys a stack.

Only the stack whose `accountBaseline` is true makes the former; a second one would be refused by
AWS, or pay twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.day_two.notices import Notice, tell
from infra.names import Names

_GITHUB = "token.actions.githubusercontent.com"
_ANOMALY_USD = 50
# Findings of medium severity begin at 4; those below are told in GuardDuty's own console.
_GRAVE = {"severity": [{"numeric": [">=", 4]}]}


@dataclass(frozen=True, kw_only=True)
class GovernanceArgs:
    """What `Governance` takes.

    Args:
        account: Its id.
        trail: Name of the account's trail, which the policy of `trail_bucket` lets in; None where
            another stack has the account's baseline.
        trail_bucket: Name of the bucket that takes its records.
        trail_key: ARN of the KMS key that they are under; S3's own key without.
        topic_arn: Where findings and anomalies of cost are told.
        ci_repository: `owner/name` at GitHub whose workflows push images and deploy, if any.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    trail: str | None
    trail_bucket: pulumi.Input[str]
    trail_key: pulumi.Input[str] | None
    topic_arn: pulumi.Input[str]
    ci_repository: str | None


class Governance(Component):
    """Guards and monitors of the account, and roles for CI, which has no keys.

    Attributes:
        ci_roles: ARNs by what for. `deploy` is for workflows in the environment of this stack's
            name; `images`, in the account's baseline, for those on `main`.
    """

    KIND = "day-two:Governance"

    ci_roles: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: GovernanceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        if args.trail is not None:
            self._guards(name, args, args.trail)
            self._costs(name, args)
            self._people(name, args)
        self.ci_roles = self._ci(name, args) if args.ci_repository else {}
        self.register_outputs({"ci_roles": self.ci_roles})

    def _guards(self, name: str, args: GovernanceArgs, trail: str) -> None:
        aws.guardduty.Detector(
            name,
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            opts=self.child(),
        )
        tell(
            f"{name}-findings",
            Notice(args.names.of("findings"), "aws.guardduty", ["GuardDuty Finding"], _GRAVE),
            args.topic_arn,
            self.child(),
        )
        aws.accessanalyzer.Analyzer(
            name,
            analyzer_name=args.names.of("access", longest=255),
            type="ACCOUNT",
            opts=self.child(),
        )
        aws.cloudtrail.Trail(
            name,
            name=trail,
            s3_bucket_name=args.trail_bucket,
            kms_key_id=args.trail_key,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            opts=self.child(),
        )
        aws.ecr.RegistryScanningConfiguration(
            name,
            scan_type="ENHANCED",
            rules=[
                aws.ecr.RegistryScanningConfigurationRuleArgs(
                    scan_frequency="CONTINUOUS_SCAN",
                    repository_filters=[
                        aws.ecr.RegistryScanningConfigurationRuleRepositoryFilterArgs(
                            filter="spool/*", filter_type="WILDCARD"
                        )
                    ],
                )
            ],
            opts=self.child(),
        )

    def _costs(self, name: str, args: GovernanceArgs) -> None:
        monitor = aws.costexplorer.AnomalyMonitor(
            name,
            name=args.names.of("costs", longest=1024),
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
            opts=self.child(),
        )
        aws.costexplorer.AnomalySubscription(
            name,
            name=args.names.of("costs", longest=1024),
            frequency="IMMEDIATE",
            monitor_arn_lists=[monitor.arn],
            subscribers=[
                aws.costexplorer.AnomalySubscriptionSubscriberArgs(
                    type="SNS", address=args.topic_arn
                )
            ],
            threshold_expression=aws.costexplorer.AnomalySubscriptionThresholdExpressionArgs(
                dimension=aws.costexplorer.AnomalySubscriptionThresholdExpressionDimensionArgs(
                    key="ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    match_options=["GREATER_THAN_OR_EQUAL"],
                    values=[str(_ANOMALY_USD)],
                )
            ),
            opts=self.child(),
        )
        # Advice on sizes, from what instances and volumes really use.
        aws.computeoptimizer.EnrollmentStatus(name, status="Active", opts=self.child())

    def _ci(self, name: str, args: GovernanceArgs) -> dict[str, pulumi.Output[str]]:
        roles = {}
        # The account's one, whichever stack makes it.
        provider = pulumi.Output.format("arn:aws:iam::{0}:oidc-provider/{1}", args.account, _GITHUB)
        if args.trail is not None:
            provider = aws.iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{_GITHUB}",
                client_id_lists=["sts.amazonaws.com"],
                opts=self.child(),
            ).arn
            images = self._ci_role(name, "images", args, provider, "ref:refs/heads/main")
            aws.iam.RolePolicy(
                f"{name}-images",
                role=images.name,
                name="push",
                policy=pulumi.Output.from_input(args.account).apply(
                    lambda account: json.dumps(_push_images(args.region, account))
                ),
                opts=self.child(),
            )
            roles["images"] = images.arn
        # Who runs the program makes roles, keys and networks, so the role may do nearly all. What
        # bounds it is who may take it: workflows in an environment that people have approved.
        deploy = self._ci_role(name, "deploy", args, provider, f"environment:{args.names.stack}")
        self._administers(f"{name}-deploy", deploy)
        return {**roles, "deploy": deploy.arn}

    def _ci_role(
        self,
        name: str,
        what: str,
        args: GovernanceArgs,
        provider: pulumi.Output[str],
        subject: str,
    ) -> aws.iam.Role:
        return aws.iam.Role(
            f"{name}-{what}",
            name=args.names.of(what),
            description=f"CI of {args.ci_repository}: {subject}",
            max_session_duration=7200,
            assume_role_policy=provider.apply(
                lambda arn: json.dumps(_ci_trust(arn, f"repo:{args.ci_repository}:{subject}"))
            ),
            opts=self.child(),
        )

    def _people(self, name: str, args: GovernanceArgs) -> None:
        role = aws.iam.Role(
            f"{name}-admin",
            name=args.names.of("admin"),
            description="Administrators, who have signed in with a second factor",
            max_session_duration=3600,
            assume_role_policy=pulumi.Output.from_input(args.account).apply(
                lambda account: json.dumps(_with_mfa(account))
            ),
            opts=self.child(),
        )
        self._administers(f"{name}-admin", role)

    def _administers(self, name: str, role: aws.iam.Role) -> None:
        aws.iam.RolePolicyAttachment(
            name,
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AdministratorAccess",
            opts=self.child(),
        )


def _with_mfa(account: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            }
        ],
    }


def _ci_trust(provider: str, subject: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{_GITHUB}:aud": "sts.amazonaws.com",
                        f"{_GITHUB}:sub": subject,
                    }
                },
            }
        ],
    }


def _push_images(region: str, account: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ecr:GetAuthorizationToken"],
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:CompleteLayerUpload",
                    "ecr:DescribeImages",
                    "ecr:InitiateLayerUpload",
                    "ecr:PutImage",
                    "ecr:UploadLayerPart",
                ],
                "Resource": f"arn:aws:ecr:{region}:{account}:repository/spool/*",
            },
        ],
    }
