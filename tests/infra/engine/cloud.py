"""A cloud in a file, and the provider of it: what the real engine talks to where AWS would be.

A test double, for the engine's side of things: order, diffs, protection, drift, failures. It takes
whatever it is given and answers as `tests/infra/outputs.py` says. What AWS itself would refuse is
tried on the real AWS provider.

It speaks the provider protocol (github.com/pulumi/pulumi, proto/pulumi/provider.proto), from a
thread of the tests: what the engine starts as `pulumi-resource-<package>` only says the port.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from tests.infra.outputs import CALLS, OUTPUTS, account_arn

# A change of these makes another thing: names, engines, places.
_REPLACING = frozenset(
    {"name", "bucket", "identifier", "clusterIdentifier", "engine", "cidrBlock", "availabilityZone"}
)
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Cloud:
    """What there is, by type and id.

    Args:
        things: Inputs as they were made, or changed by hand.
        failing: Types whose creation and change fail, with the message that they fail with.
    """

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, str] = {}
        self.made = 0

    def clear(self) -> None:
        self.things.clear()
        self.failing.clear()

    def one(self, word: str) -> dict[str, Any]:
        """The only thing with `word` in its type or id."""
        (key,) = (key for key in self.things if word in key)
        return self.things[key]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One package's resources, each as a dictionary of its inputs."""

    def __init__(self, package: str, cloud: Cloud) -> None:
        self._package = package
        self._cloud = cloud

    def Handshake(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "older than this")

    def GetSchema(self, request: Any, context: Any) -> Any:
        schema = {"name": self._package, "version": "999.0.0"}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="999.0.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        # Who makes components has to take secrets and resources as they come.
        makes_components = self._package == "eks"
        return provider_pb2.ConfigureResponse(
            acceptSecrets=makes_components, acceptResources=makes_components, supportsPreview=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        old = plain(request.old_inputs if request.HasField("old_inputs") else request.olds)
        new = plain(request.news)
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        changed = [name for name in changed if name not in request.ignoreChanges]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME
            if changed
            else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[name for name in changed if name in _REPLACING],
        )

    def Create(self, request: Any, context: Any) -> Any:
        type_, name = _type_and_name(request.urn)
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        self._refuse(type_, context)
        self._cloud.made += 1
        state = {"arn": account_arn(type_, name), **inputs, **_outputs(type_, name, inputs)}
        id_ = str(state.get("id", f"{name}-{self._cloud.made}"))
        self._cloud.things[f"{type_}::{id_}"] = inputs
        return provider_pb2.CreateResponse(id=id_, properties=_struct(state))

    def Read(self, request: Any, context: Any) -> Any:
        type_, _ = _type_and_name(request.urn)
        inputs = self._cloud.things.get(f"{type_}::{request.id}")
        if inputs is None:
            return provider_pb2.ReadResponse()
        state = {**plain(request.properties), **inputs}
        return provider_pb2.ReadResponse(
            id=request.id, properties=_struct(state), inputs=_struct(inputs)
        )

    def Update(self, request: Any, context: Any) -> Any:
        type_, _ = _type_and_name(request.urn)
        inputs = plain(request.news)
        state = {**plain(request.olds), **inputs}
        if not request.preview:
            self._refuse(type_, context)
            self._cloud.things[f"{type_}::{request.id}"] = inputs
        return provider_pb2.UpdateResponse(properties=_struct(state))

    def Delete(self, request: Any, context: Any) -> Any:
        type_, _ = _type_and_name(request.urn)
        self._cloud.things.pop(f"{type_}::{request.id}", None)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        answer = CALLS.get(request.tok)
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"no answer to {request.tok}")
            raise AssertionError
        return provider_pb2.InvokeResponse(**{"return": _struct(answer(plain(request.args)))})

    def Construct(self, request: Any, context: Any) -> Any:
        """A component that lives in a provider, such as a cluster: one thing, with its outputs."""
        with grpc.insecure_channel(request.monitorEndpoint, options=_OPTIONS) as channel:
            monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
            registered = monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    object=request.inputs,
                    acceptSecrets=True,
                    acceptResources=True,
                    protect=request.protect,
                    providers=dict(request.providers),
                )
            )
            inputs = plain(request.inputs)
            state = {**inputs, **_outputs(request.type, request.name, inputs)}
            monitor.RegisterResourceOutputs(
                resource_pb2.RegisterResourceOutputsRequest(
                    urn=registered.urn, outputs=_struct(state)
                )
            )
        return provider_pb2.ConstructResponse(urn=registered.urn, state=_struct(state))

    def _refuse(self, type_: str, context: Any) -> None:
        if type_ in self._cloud.failing:
            context.abort(grpc.StatusCode.INTERNAL, self._cloud.failing[type_])

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def plain(struct: Any) -> dict[str, Any]:
    """Properties without the marks of secrets; what is not known stays the engine's word for it."""
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if rpc._special_sig_key in fields and "value" in fields:
            return _plain(fields["value"])
        return {name: _plain(each) for name, each in fields.items()}
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    return getattr(value, kind) if kind and kind != "null_value" else None


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def _outputs(type_: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    make = OUTPUTS.get(type_)
    return {} if make is None else make(name, inputs)


def _type_and_name(urn: str) -> tuple[str, str]:
    parts = urn.split("::")
    return parts[2].split("$")[-1], parts[-1]


def serve(package: str, cloud: Cloud, made: type[Provider] = Provider) -> tuple[grpc.Server, int]:
    """A server of a package's resources, started, and its port."""
    server = grpc.server(ThreadPoolExecutor(32), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(made(package, cloud), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
