"""What Karpenter may do: make and end instances that have its cluster's tag.

Pure. The actions and conditions are those that Karpenter's documentation lists for version 1.
"""

import pulumi

from infra.grants import Statement


def karpenter_statements(
    *,
    account: pulumi.Input[str],
    region: str,
    cluster_name: str,
    cluster_arn: pulumi.Input[str],
    node_role_arn: pulumi.Input[str],
    queue_arn: pulumi.Input[str],
    volumes_key_arn: pulumi.Input[str] | None,
) -> list[Statement]:
    """Statements for the controller's role.

    Args:
        volumes_key_arn: KMS key of its nodes' volumes; AWS' own without.
    """
    cluster_tag, name_tag = f"kubernetes.io/cluster/{cluster_name}", "eks:eks-cluster-name"
    pool_tag = "karpenter.sh/nodepool"
    asked = {
        "StringEquals": {
            f"aws:RequestTag/{cluster_tag}": ["owned"],
            f"aws:RequestTag/{name_tag}": [cluster_name],
        },
        "StringLike": {f"aws:RequestTag/{pool_tag}": ["*"]},
    }
    ours = {
        "StringEquals": {f"aws:ResourceTag/{cluster_tag}": ["owned"]},
        "StringLike": {f"aws:ResourceTag/{pool_tag}": ["*"]},
    }

    def ec2(*kinds: str) -> list[pulumi.Output[str]]:
        return [
            pulumi.Output.concat("arn:aws:ec2:", region, ":", account, f":{kind}/*")
            for kind in kinds
        ]

    made = ("fleet", "instance", "volume", "network-interface", "spot-instances-request")
    launch = ["ec2:RunInstances", "ec2:CreateFleet"]
    profiles = pulumi.Output.concat("arn:aws:iam::", account, ":instance-profile/*")
    profile_ours = {
        "StringEquals": {
            f"aws:ResourceTag/{cluster_tag}": ["owned"],
            "aws:ResourceTag/topology.kubernetes.io/region": [region],
        }
    }
    statements = [
        Statement(
            launch,
            [
                # Images and their snapshots belong to Amazon, and their ARNs to no account.
                f"arn:aws:ec2:{region}::image/*",
                f"arn:aws:ec2:{region}::snapshot/*",
                *ec2("security-group", "subnet", "capacity-reservation"),
            ],
        ),
        Statement(launch, ec2("launch-template"), ours),
        Statement([*launch, "ec2:CreateLaunchTemplate"], ec2(*made, "launch-template"), asked),
        Statement(
            ["ec2:CreateTags"],
            ec2(*made, "launch-template"),
            {
                **asked,
                "StringEquals": {
                    **asked["StringEquals"],
                    "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
                },
            },
        ),
        Statement(
            ["ec2:CreateTags"],
            ec2("instance"),
            {
                **ours,
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": [name_tag, "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
        Statement(
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            ec2("instance", "launch-template"),
            ours,
        ),
        Statement(
            [
                "ec2:DescribeCapacityReservations",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeInstances",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribePlacementGroups",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSpotPriceHistory",
                "ec2:DescribeSubnets",
            ],
            ["*"],
            {"StringEquals": {"aws:RequestedRegion": [region]}},
            why_all="describing knows no resource",
        ),
        Statement(
            ["pricing:GetProducts", "iam:ListInstanceProfiles"],
            ["*"],
            why_all="prices and lists know no resource",
        ),
        Statement(["ssm:GetParameter"], [f"arn:aws:ssm:{region}::parameter/aws/service/*"]),
        Statement(["eks:DescribeCluster"], [cluster_arn]),
        Statement(
            ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            [queue_arn],
        ),
        Statement(
            ["iam:PassRole"],
            [node_role_arn],
            {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}},
        ),
        Statement(["iam:GetInstanceProfile"], [profiles]),
        Statement(
            ["iam:CreateInstanceProfile", "iam:TagInstanceProfile"],
            [profiles],
            {
                "StringEquals": {
                    f"aws:RequestTag/{cluster_tag}": ["owned"],
                    f"aws:RequestTag/{name_tag}": [cluster_name],
                    "aws:RequestTag/topology.kubernetes.io/region": [region],
                }
            },
        ),
        Statement(
            [
                "iam:AddRoleToInstanceProfile",
                "iam:DeleteInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
            ],
            [profiles],
            profile_ours,
        ),
    ]
    if volumes_key_arn is not None:
        # EC2 opens the volumes with the rights of whoever launches the instance.
        by_ec2 = {"StringEquals": {"kms:ViaService": [f"ec2.{region}.amazonaws.com"]}}
        for_ec2 = {**by_ec2, "Bool": {"kms:GrantIsForAWSResource": ["true"]}}
        statements += [
            Statement(
                [
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey",
                    "kms:GenerateDataKeyWithoutPlaintext",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ],
                [volumes_key_arn],
                by_ec2,
            ),
            Statement(["kms:CreateGrant"], [volumes_key_arn], for_ec2),
        ]
    return statements
