"""What Terraform calls the types and attributes that pulumi-aws renames.

pulumi-aws is made from Terraform's AWS provider: the type of a resource is its service and its
name, an attribute is in camelCase, and a block that may be repeated is in the plural.
"""

import re
from collections.abc import Mapping
from typing import Any

# Services whose resources Terraform calls by another name, or by none.
_SERVICES = {"apigateway": "api_gateway", "costexplorer": "ce", "ec2": "", "lb": "", "rds": "db"}
_TYPES = {
    "cloudtrail/trail": "cloudtrail",
    "ec2/launchTemplate": "launch_template",
    "iam/openIdConnectProvider": "iam_openid_connect_provider",
    "lb/loadBalancer": "lb",
    "rds/cluster": "rds_cluster",
    "rds/clusterInstance": "rds_cluster_instance",
    "rds/clusterParameterGroup": "rds_cluster_parameter_group",
    "s3/bucketReplicationConfig": "s3_bucket_replication_configuration",
}
# Attributes that pulumi-aws calls by another name.
_RENAMED = {
    "cloudwatch/metricAlarm": {"name": "alarm_name"},
    "iam/openIdConnectProvider": {"clientIdLists": "client_id_list"},
    "costexplorer/anomalySubscription": {"monitorArnLists": "monitor_arn_list"},
    "lambda/function": {"name": "function_name", "code": "filename"},
    "lambda/permission": {"function": "function_name"},
    "sns/topicSubscription": {"topic": "topic_arn"},
}
_PLURAL = {
    "blockDeviceMappings",
    "egress",
    "ingress",
    "items",
    "redactedFields",
    "tagSpecifications",
}
_IRREGULAR = {"aliases": "alias", "metricQueries": "metric_query"}
# Their keys are names that somebody chose.
_FREE = {"dimensions", "labels", "tags", "variables"}


def terraform_type(token: str) -> str:
    """`aws:s3/bucketVersioning:BucketVersioning` is `aws_s3_bucket_versioning`."""
    path = token.split(":")[1]
    if path in _TYPES:
        return f"aws_{_TYPES[path]}"
    service, _, name = path.partition("/")
    words = (_SERVICES.get(service, service), snake(name))
    return "_".join(("aws", *filter(None, words)))


def terraform_attributes(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Plain inputs of a resource of this type, under Terraform's names all the way down."""
    renamed = _RENAMED.get(token.split(":")[1], {})
    return _block({renamed.get(name, name): value for name, value in inputs.items()})


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    # No list is empty in a plan, where a list is what repeats a block.
    return {
        _attribute(name, value): _value(name, value)
        for name, value in block.items()
        if value not in (None, [])
    }


def _attribute(name: str, value: Any) -> str:
    repeated = isinstance(value, list) and isinstance(value[0], Mapping)
    if repeated and name not in _PLURAL:
        return _IRREGULAR.get(name) or snake(name.removesuffix("s"))
    return snake(name)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value) if name in _FREE else _block(value)
    if isinstance(value, list):
        return [_value(name, each) for each in value]
    # The engine knows no whole numbers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def snake(name: str) -> str:
    """`kmsKeyId` is `kms_key_id`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
