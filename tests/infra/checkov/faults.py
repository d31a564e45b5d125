"""Mistakes that checkov must find in prod, so that what it finds nothing in has been looked at.

Those that take a resource away show that checkov sees how resources refer to each other: it finds
the neighbour wanting.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.infra.recorder import Recorded


@dataclass(frozen=True)
class Fault:
    """A mistake.

    Args:
        check: The check that finds it.
        found: The address of what it finds.
        type, name: The resource that is changed.
        inputs: The changes; None takes the resource away.
    """

    check: str
    found: str
    type: str
    name: str
    inputs: Mapping[str, Any] | None = None


FAULTS: Sequence[Fault] = (
    Fault("CKV_AWS_27", "aws_sqs_queue.messaging-encode-high",
          "aws:sqs/queue:Queue", "messaging-encode-high", {"kmsMasterKeyId": None}),
    Fault("CKV_AWS_16", "aws_db_instance.database-server",
          "aws:rds/instance:Instance", "database-server", {"storageEncrypted": False}),
    Fault("CKV_AWS_24", "aws_vpc_security_group_ingress_rule.database-pods",
          "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "database-pods",
          {"cidrIpv4": "0.0.0.0/0", "fromPort": 22, "toPort": 22, "ipProtocol": "tcp"}),
    Fault("CKV_AWS_39", "aws_eks_cluster.cluster",
          "eks:index:Cluster", "cluster", {"endpointPublicAccess": True}),
    Fault("CKV_AWS_68", "aws_cloudfront_distribution.delivery",
          "aws:cloudfront/distribution:Distribution", "delivery", {"webAclId": None}),
    Fault("CKV_AWS_145", "aws_s3_bucket.buckets-source",
          "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
          "buckets-source"),
    Fault("CKV_AWS_21", "aws_s3_bucket.buckets-media",
          "aws:s3/bucketVersioning:BucketVersioning", "buckets-media"),
    Fault("CKV2_AWS_6", "aws_s3_bucket.buckets-media",
          "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "buckets-media"),
    Fault("CKV2_AWS_11", "aws_vpc.network",
          "aws:ec2/flowLog:FlowLog", "network-flow"),
    Fault("CKV_K8S_19", "Deployment.spool.catalog",
          "kubernetes:apps/v1:Deployment", "catalog",
          {"spec": {"template": {"spec": {"hostNetwork": True}}}}),
)  # fmt: skip


def planted(resources: Sequence[Recorded]) -> Iterator[Recorded]:
    """The resources with all faults in them.

    Raises:
        LookupError: There is nothing to make one with.
    """
    faults = {(fault.type, fault.name): fault for fault in FAULTS}
    for each in resources:
        fault = faults.pop((each.type, each.name), None)
        if fault is None:
            yield each
        elif fault.inputs is not None:
            yield dataclasses.replace(each, inputs=_changed(each.inputs, fault.inputs))
    if faults:
        raise LookupError(f"not in the program: {list(faults)}")


def _changed(inputs: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    deep = {
        name: _changed(inputs[name], change) if isinstance(change, Mapping) else change
        for name, change in changes.items()
    }
    return {**inputs, **deep}
