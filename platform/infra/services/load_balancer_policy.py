"""What the load balancer controller may do: make and keep what has its cluster's tag.

Pure. The actions are those that the controller's documentation lists for version 3, without the
services that it is told to leave alone (Shield, classic WAF, Global Accelerator, Cognito).
"""

import pulumi

from infra.grants import Statement

_NO_RESOURCE = "describing knows no resource"
_DESCRIBED = (
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeCoipPools",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeIpamPools",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:GetCoipPoolUsage",
    "ec2:GetSecurityGroupsForVpc",
    "elasticloadbalancing:DescribeCapacityReservation",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeSSLPolicies",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeTrustStores",
)


def load_balancer_statements(
    *,
    account: pulumi.Input[str],
    region: str,
    cluster_name: str,
    web_acls: str | None,
) -> list[Statement]:
    """Statements for the controller's role.

    Args:
        web_acls: Pattern of the names of WAF's web ACLs that it may put before a load balancer.
    """

    def arns(service: str, *kinds: str) -> list[pulumi.Output[str]]:
        return [
            pulumi.Output.concat("arn:aws:", service, ":", region, ":", account, ":", kind)
            for kind in kinds
        ]

    ours = {"StringEquals": {"aws:ResourceTag/elbv2.k8s.aws/cluster": [cluster_name]}}
    becomes_ours = {"StringEquals": {"aws:RequestTag/elbv2.k8s.aws/cluster": [cluster_name]}}
    owned = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster_name}": ["owned"]}}
    balancers = arns("elasticloadbalancing", "loadbalancer/app/*", "loadbalancer/net/*")
    targets = arns("elasticloadbalancing", "targetgroup/*")
    listeners = arns("elasticloadbalancing", "listener/app/*", "listener/net/*")
    rules = arns("elasticloadbalancing", "listener-rule/app/*", "listener-rule/net/*")
    groups = arns("ec2", "security-group/*")
    in_groups = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    statements = [
        Statement(_DESCRIBED, ["*"], why_all=_NO_RESOURCE),
        Statement(
            ["iam:CreateServiceLinkedRole"],
            [
                pulumi.Output.concat(
                    "arn:aws:iam::",
                    account,
                    ":role/aws-service-role/elasticloadbalancing.amazonaws.com/*",
                )
            ],
            {"StringEquals": {"iam:AWSServiceName": ["elasticloadbalancing.amazonaws.com"]}},
        ),
        # A group is made in a VPC, which has no tag of the controller.
        Statement(["ec2:CreateSecurityGroup"], arns("ec2", "vpc/*")),
        Statement(["ec2:CreateSecurityGroup"], groups, becomes_ours),
        Statement(
            ["ec2:CreateTags"],
            groups,
            {
                "StringEquals": {
                    "ec2:CreateAction": ["CreateSecurityGroup"],
                    **becomes_ours["StringEquals"],
                }
            },
        ),
        Statement(
            ["ec2:CreateTags", "ec2:DeleteTags", "ec2:DeleteSecurityGroup", *in_groups],
            groups,
            ours,
        ),
        # The nodes' group lets the load balancer in.
        Statement(in_groups, groups, owned),
        Statement(
            ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
            [*balancers, *targets],
            becomes_ours,
        ),
        Statement(
            ["elasticloadbalancing:AddTags"],
            [*balancers, *targets, *listeners, *rules],
            becomes_ours,
        ),
        Statement(
            [
                "elasticloadbalancing:AddListenerCertificates",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:CreateListener",
                "elasticloadbalancing:CreateRule",
                "elasticloadbalancing:DeleteListener",
                "elasticloadbalancing:DeleteLoadBalancer",
                "elasticloadbalancing:DeleteRule",
                "elasticloadbalancing:DeleteTargetGroup",
                "elasticloadbalancing:DeregisterTargets",
                "elasticloadbalancing:ModifyCapacityReservation",
                "elasticloadbalancing:ModifyIpPools",
                "elasticloadbalancing:ModifyListener",
                "elasticloadbalancing:ModifyListenerAttributes",
                "elasticloadbalancing:ModifyLoadBalancerAttributes",
                "elasticloadbalancing:ModifyRule",
                "elasticloadbalancing:ModifyTargetGroup",
                "elasticloadbalancing:ModifyTargetGroupAttributes",
                "elasticloadbalancing:RegisterTargets",
                "elasticloadbalancing:RemoveListenerCertificates",
                "elasticloadbalancing:RemoveTags",
                "elasticloadbalancing:SetIpAddressType",
                "elasticloadbalancing:SetRulePriorities",
                "elasticloadbalancing:SetSecurityGroups",
                "elasticloadbalancing:SetSubnets",
                "elasticloadbalancing:SetWebAcl",
            ],
            [*balancers, *targets, *listeners, *rules],
            ours,
        ),
        # Asked before every reconciliation, whether there is a web ACL or not.
        Statement(["wafv2:GetWebACLForResource"], ["*"], why_all="asked of load balancers to come"),
    ]
    if web_acls is not None:
        statements += [
            Statement(
                ["wafv2:GetWebACL", "wafv2:AssociateWebACL"],
                arns("wafv2", f"regional/webacl/{web_acls}/*"),
            ),
            Statement(
                ["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"],
                arns("elasticloadbalancing", "loadbalancer/app/*"),
            ),
        ]
    return statements
