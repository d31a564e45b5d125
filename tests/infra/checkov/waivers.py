"""What checkov finds and we mean: each with where it is meant, and why."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiver:
    """A check that may fail.

    Args:
        check: Its id.
        why: The reason, in a sentence or two.
        where: Patterns of `stack/resource`; each has to match something that fails.
    """

    check: str
    why: str
    where: Sequence[str]


_ROTATION = ["prod/aws_lambda_function.database-rotation"]
_CDN = ["prod/aws_cloudfront_distribution.delivery"]
_TRAIL = ["prod/aws_cloudtrail.governance"]
_DEV_DATABASE = ["dev/aws_db_instance.database-server"]
_AWS_KEYS = (
    "Dev is encrypted by AWS' own keys: six keys of its own cost more than they guard there."
)

WAIVERS: Sequence[Waiver] = (
    # Kubernetes
    Waiver("CKV_K8S_35", "Spool reads its settings, secrets too, from the environment alone.",
           ["*/Deployment.spool.*", "*/Job.spool.migrations-*"]),
    Waiver("CKV_K8S_40", "The images are made for user 1000, and nginx' own for 101.",
           ["*/Deployment.spool.*", "*/Job.spool.migrations-*"]),
    # What dev does without
    Waiver("CKV_AWS_26", _AWS_KEYS + " And alarms may not use the one of SNS.",
           ["dev/aws_sns_topic.alarms"]),
    Waiver("CKV_AWS_58", _AWS_KEYS, ["dev/aws_eks_cluster.cluster"]),
    Waiver("CKV_AWS_145", _AWS_KEYS, ["dev/aws_s3_bucket.*"]),
    Waiver("CKV_AWS_149", _AWS_KEYS, ["dev/aws_secretsmanager_secret.*"]),
    Waiver("CKV_AWS_158", _AWS_KEYS, ["dev/aws_cloudwatch_log_group.*"]),
    Waiver("CKV_AWS_354", _AWS_KEYS, _DEV_DATABASE),
    Waiver("CKV_AWS_118", "Dev is not watched by the second.", _DEV_DATABASE),
    Waiver("CKV_AWS_157", "Dev may be away for as long as a restore takes.", _DEV_DATABASE),
    Waiver("CKV_AWS_293", "Dev is destroyed to nothing.", _DEV_DATABASE),
    Waiver("CKV2_AWS_11", "Dev keeps flow logs if `flowLogs` says so.", ["dev/aws_vpc.network"]),
    # Logs and the account
    Waiver("CKV_AWS_338", "`logRetentionDays` says how long: 7, 30 or 90 days by preset.",
           ["dev/aws_cloudwatch_log_group.*", "prod/aws_cloudwatch_log_group.*"]),
    Waiver("CKV_AWS_158", "The CDN's firewall is in us-east-1, where the stack may have no key.",
           ["prod/aws_cloudwatch_log_group.cdn-firewall"]),
    Waiver("CKV2_AWS_10", "The trail is in the bucket of logs; GuardDuty reads events itself.",
           _TRAIL),
    Waiver("CKV_AWS_252", "Nobody waits for each file of the trail.", _TRAIL),
    Waiver("CKV2_AWS_3", "GuardDuty is switched on for this account; organisations have their own.",
           ["prod/aws_guardduty_detector.governance"]),
    Waiver("CKV_AWS_61", "Administrators are people of this account, who assume the role with MFA.",
           ["prod/aws_iam_role.governance-admin"]),
    Waiver("CKV_AWS_274", "It is the administrators' role, which asks for MFA.",
           ["prod/aws_iam_role_policy_attachment.governance-admin"]),
    Waiver("CKV_AWS_355", "There is no ARN, or none yet; the program says why at each `*`.",
           ["*/aws_iam_role_policy.services-load-balancers",
            "prod/aws_iam_role_policy.services-prometheus-grafana",
            "prod/aws_iam_role_policy.database-rotation"]),
    Waiver("CKV_AWS_290", "Lambda makes interfaces for a function in a VPC, yet without names.",
           ["prod/aws_iam_role_policy.database-rotation"]),
    # Network
    Waiver("CKV_AWS_231", "Network ACLs keep no state: answers come in on ports from 1024 up.",
           ["*/aws_network_acl.network-public", "*/aws_network_acl.network-private"]),
    Waiver("CKV2_AWS_5", "The proxy of the database has it; the check knows no such proxies.",
           ["prod/aws_security_group.database-proxy"]),
    Waiver("CKV2_AWS_23", "It leads to the load balancer, which a controller in the cluster makes.",
           ["prod/aws_route53_record.application"]),
    # Buckets
    Waiver("CKV_AWS_145", "Load balancers write their logs to buckets under S3's own key only.",
           ["prod/aws_s3_bucket.buckets-logs"]),
    Waiver("CKV_AWS_18", "The bucket of logs would log its own logs; copies are in another region.",
           ["*/aws_s3_bucket.buckets-logs", "prod/aws_s3_bucket.buckets-replica-*"]),
    Waiver("CKV_AWS_144", "Sources and media of prod are copied; the rest is made again from them.",
           ["dev/aws_s3_bucket.*", "prod/aws_s3_bucket.buckets-archive",
            "prod/aws_s3_bucket.buckets-frames", "prod/aws_s3_bucket.buckets-logs"]),
    Waiver("CKV2_AWS_62", "Nobody reads notices of buckets unless `bucketEvents` says so.",
           ["dev/aws_s3_bucket.*", "prod/aws_s3_bucket.*"]),
    Waiver("CKV2_AWS_64", "AWS' default is meant: the account's own policies decide.",
           ["prod/aws_kms_key.buckets-replica", "prod/aws_kms_key.recovery-copies"]),
    Waiver("CKV_AWS_166", "Vaults are under the account's own backup key, which AWS rotates.",
           ["prod/aws_backup_vault.*"]),
    # Secrets and the database
    Waiver("CKV_AWS_161", "The app has a password, which staging and prod change by themselves.",
           ["*/aws_db_instance.database-server"]),
    Waiver("CKV2_AWS_57", "`databaseRotationDays` is 0 in dev.",
           ["dev/aws_secretsmanager_secret.database-app"]),
    Waiver("CKV2_AWS_57", "They are changed by the rotation of the app's secret.",
           ["prod/aws_secretsmanager_secret.database-login*"]),
    Waiver("CKV2_AWS_57", "By hand: the old key stays until what it signed has expired.",
           ["*/aws_secretsmanager_secret.secrets-signing",
            "prod/aws_secretsmanager_secret.delivery-keys"]),
    Waiver("CKV2_AWS_57", "Grafana reads it once, when it starts for the first time.",
           ["prod/aws_secretsmanager_secret.services-grafana"]),
    Waiver("CKV_AWS_50", "It runs once in weeks; its log says what it did.", _ROTATION),
    Waiver("CKV_AWS_115", "Secrets Manager calls it for one secret at a time.", _ROTATION),
    Waiver("CKV_AWS_116", "Secrets Manager tries again and shows what failed.", _ROTATION),
    Waiver("CKV_AWS_173", "Its variables are names and ARNs; no secret is among them.", _ROTATION),
    Waiver("CKV_AWS_272", "Its code goes up with the program, from this repository.", _ROTATION),
    # CDN
    Waiver("CKV_AWS_86", "CloudWatch's log delivery does that; the check does not know it.",
           _CDN),
    Waiver("CKV_AWS_305", "It has media and no pages.", _CDN),
    Waiver("CKV_AWS_310", "The copy of the media is for restores; it may lag behind.", _CDN),
    Waiver("CKV_AWS_374", "Viewers are everywhere.", _CDN),
    Waiver("CKV2_AWS_47", "Known bad inputs are blocked; viewers behind a VPN are not.", _CDN),
    Waiver("CKV_AWS_259", "HSTS is for its own name; preloading is for its domain's owner to ask.",
           ["prod/aws_cloudfront_response_headers_policy.delivery"]),
)  # fmt: skip
