"""What answers to `eks:index:Cluster`: a control plane of the real AWS provider, and no more."""

import json
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from tests.infra.engine.cloud import Provider, plain

_ACCOUNT = "123456789012"
_UNKNOWN = dict.fromkeys(("kubeconfigJson", "oidcIssuer", "clusterSecurityGroupId"), rpc.UNKNOWN)


class ClusterProvider(Provider):
    """pulumi-eks with its cluster alone, which is all that the program takes of it."""

    def Construct(self, request: Any, context: Any) -> Any:
        inputs = plain(request.inputs)
        with grpc.insecure_channel(request.monitorEndpoint) as channel:
            monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
            component = monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    object=request.inputs,
                    acceptSecrets=True,
                    acceptResources=True,
                    providers=dict(request.providers),
                )
            )
            cluster = monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type="aws:eks/cluster:Cluster",
                    name=request.name,
                    parent=component.urn,
                    custom=True,
                    object=_struct(_cluster(inputs)),
                    provider=request.providers["aws"],
                    protect=request.protect,
                    acceptSecrets=True,
                    supportsPartialValues=True,
                    ignoreChanges=["bootstrapSelfManagedAddons"],
                )
            )
            state = _struct(_outputs(plain(cluster.object)))
            monitor.RegisterResourceOutputs(
                resource_pb2.RegisterResourceOutputsRequest(urn=component.urn, outputs=state)
            )
        return provider_pb2.ConstructResponse(urn=component.urn, state=state)


def _cluster(inputs: dict[str, Any]) -> dict[str, Any]:
    # A role that is an input comes as a reference, whose id is its name.
    role = inputs["serviceRole"]
    name = role if isinstance(role, str) else role["id"]
    known = name and name != rpc.UNKNOWN
    made: dict[str, Any] = {
        "name": inputs["name"],
        "version": inputs["version"],
        "roleArn": f"arn:aws:iam::{_ACCOUNT}:role/{name}" if known else rpc.UNKNOWN,
        "enabledClusterLogTypes": inputs["enabledClusterLogTypes"],
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {
            "authenticationMode": inputs["authenticationMode"],
            "bootstrapClusterCreatorAdminPermissions": True,
        },
        "upgradePolicy": inputs["upgradePolicy"],
        "vpcConfig": {
            "subnetIds": inputs["privateSubnetIds"],
            "endpointPrivateAccess": inputs["endpointPrivateAccess"],
            "endpointPublicAccess": inputs["endpointPublicAccess"],
            "publicAccessCidrs": inputs.get("publicAccessCidrs"),
        },
    }
    if key := inputs.get("encryptionConfigKeyArn"):
        made["encryptionConfig"] = {"provider": {"keyArn": key}, "resources": ["secrets"]}
    return made


def _outputs(cluster: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(cluster.get("identities"), list):
        return _UNKNOWN
    issuer = cluster["identities"][0]["oidcs"][0]["issuer"]
    return {
        "kubeconfigJson": json.dumps({"clusters": [{"cluster": {"server": cluster["endpoint"]}}]}),
        "oidcIssuer": issuer.removeprefix("https://"),
        "clusterSecurityGroupId": cluster["vpcConfig"]["clusterSecurityGroupId"],
    }


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct
