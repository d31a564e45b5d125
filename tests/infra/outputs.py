"""What the mocks answer beside a resource's own inputs, by type, and to functions.

Only what AWS computes and the program uses. A component that needs more adds it here.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"


def account_arn(type_: str, name: str) -> str:
    """An ARN of the right service; `aws:sqs/queue:Queue` of `x` is arn:aws:sqs:…:x."""
    service = type_.split(":")[1].split("/", maxsplit=1)[0]
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _kept(name: str, inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The secret of a master's password that RDS manages."""
    if not inputs.get("manageMasterUserPassword"):
        return []
    return [{"secretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!{name}"}]


OUTPUTS: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "aws:s3/bucket:Bucket": lambda name, inputs: {
        "id": inputs.get("bucket", name),
        "arn": f"arn:aws:s3:::{inputs.get('bucket', name)}",
        "bucketRegionalDomainName": f"{inputs.get('bucket', name)}.s3.{REGION}.amazonaws.com",
    },
    "aws:sqs/queue:Queue": lambda name, inputs: {
        "id": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{inputs.get('name', name)}",
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{inputs.get('name', name)}",
        "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{inputs.get('name', name)}",
    },
    "aws:rds/instance:Instance": lambda name, inputs: {
        "address": f"{inputs.get('identifier', name)}.abc.{REGION}.rds.amazonaws.com",
        "masterUserSecrets": _kept(name, inputs),
    },
    "aws:rds/cluster:Cluster": lambda name, inputs: {
        "id": inputs.get("clusterIdentifier", name),
        "endpoint": f"{inputs.get('clusterIdentifier', name)}.cluster.{REGION}.rds.amazonaws.com",
        "readerEndpoint": (
            f"{inputs.get('clusterIdentifier', name)}.cluster-ro.{REGION}.rds.amazonaws.com"
        ),
        "masterUserSecrets": _kept(name, inputs),
    },
    "aws:rds/proxy:Proxy": lambda name, inputs: {
        "endpoint": f"{inputs.get('name', name)}.proxy.{REGION}.rds.amazonaws.com",
    },
    "aws:kms/key:Key": lambda name, _: {
        "id": f"key-{name}",
        "keyId": f"key-{name}",
        "arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}",
    },
    "aws:iam/role:Role": lambda name, inputs: {
        "id": inputs.get("name", name),
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs.get('name', name)}",
    },
    "kubernetes:networking.k8s.io/v1:Ingress": lambda name, _: {
        "status": {"loadBalancer": {"ingress": [{"hostname": f"{name}.elb.amazonaws.com"}]}},
    },
    "aws:acm/certificate:Certificate": lambda _, inputs: {
        "domainValidationOptions": [
            {
                "domainName": inputs["domainName"],
                "resourceRecordName": f"_proof.{inputs['domainName']}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_proof.acm-validations.aws.",
            }
        ],
    },
    "aws:cloudfront/distribution:Distribution": lambda *_: {
        "id": "E1",
        "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
        "domainName": "d1.cloudfront.net",
        "hostedZoneId": "Z2FDTNDATAQYW2",
    },
    "aws:secretsmanager/secretVersion:SecretVersion": lambda name, _: {
        "versionId": f"version-{name}",
    },
    "aws:sesv2/emailIdentity:EmailIdentity": lambda *_: {
        "dkimSigningAttributes": {"tokens": ["one", "two", "three"]},
    },
    "aws:route53/record:Record": lambda _, inputs: {"fqdn": inputs["name"]},
    "aws:ecr/repository:Repository": lambda _, inputs: {
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{inputs['name']}",
    },
    "aws:apigateway/restApi:RestApi": lambda *_: {"rootResourceId": "root"},
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": lambda _, inputs: {
        "arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{inputs['url'].removeprefix('https://')}",
    },
    "aws:ec2/launchTemplate:LaunchTemplate": lambda name, _: {"id": name, "latestVersion": 1},
    "eks:index:Cluster": lambda *_: {
        "kubeconfigJson": json.dumps(
            {"clusters": [{"cluster": {"server": "https://cluster.example"}}]}
        ),
        "oidcIssuer": "oidc.example/id/ABC",
        "clusterSecurityGroupId": "cluster-group",
    },
}

CALLS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": lambda _: {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/test",
        "userId": "test",
        "id": ACCOUNT,
    },
    "aws:lb/getHostedZoneId:getHostedZoneId": lambda _: {"id": "Z35SXDOTRQ7X7K"},
    # As the controller tags it: without the cluster's name it may be another stack's.
    "aws:lb/getLbs:getLbs": lambda args: {
        "arns": [
            f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/spool-web-dev/0123456789abcdef"
        ]
        if {"elbv2.k8s.aws/cluster", "ingress.k8s.aws/stack"} == set(args["tags"])
        else [],
        "id": REGION,
        "region": REGION,
    },
    "aws:index/getPartition:getPartition": lambda _: {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "id": "aws",
    },
    "aws:secretsmanager/getRandomPassword:getRandomPassword": lambda args: {
        "randomPassword": "r" * int(args.get("passwordLength", 32)),
        "id": "random",
    },
}
