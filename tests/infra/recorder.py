"""Runs the program, or a part of it, under Pulumi's mocks and keeps what it would make.

Mocks run no transforms and check nothing: they show what is asked for, not whether a provider takes
it. Assertions go after the run; within `apply` they would race.
"""

import asyncio
import contextvars
import functools
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.proto.resource_pb2 import RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES
from pulumi.runtime.stack import run_in_stack

from tests.infra.outputs import CALLS, OUTPUTS, account_arn

PROJECT = "spool"


@dataclass(frozen=True)
class Recorded:
    """One resource as it was registered.

    Args:
        urn: Unique name; has the types of all its parents in it.
        parent: URN of its parent.
        inputs: Plain values; `pulumi.output.Unknown` for what a preview cannot know.
        outputs: What the mocks answered; the id is among them.
        sources: URNs of the resources that an input is made of.
        protect, ignored: Options.
    """

    urn: str
    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    sources: Mapping[str, Sequence[str]]
    provider: str
    depends_on: Sequence[str]
    protect: bool
    ignored: Sequence[str]


@dataclass
class Recording:
    """All resources of a run, in the order of their registration, and the stack's outputs."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of_type(self, type_: str) -> list[Recorded]:
        return [each for each in self.resources if each.type == type_]

    def one(self, type_: str, name: str | None = None) -> Recorded:
        """The only resource of a type, and of a name if there are several.

        Raises:
            LookupError: with the names that there are.
        """
        found = [each for each in self.of_type(type_) if name is None or each.name == name]
        if len(found) != 1:
            there = ", ".join(each.name for each in self.of_type(type_)) or "none"
            raise LookupError(f"{len(found)} of {type_} named {name}; there are: {there}")
        return found[0]

    def under(self, component: str) -> Iterator[Recorded]:
        """What lies below a component, by its type: `spool:ground:Network`."""
        for each in self.resources:
            if component in each.urn.split("::")[2].split("$")[:-1]:
                yield each


class _Monitor(pulumi_mocks.MockMonitor):
    def __init__(self, mocks: pulumi_mocks.Mocks, recording: Recording) -> None:
        super().__init__(mocks)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # gRPC's name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's
        if request.type != "pulumi:pulumi:Stack":
            self._recording.resources.append(
                Recorded(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    inputs=rpc.deserialize_properties(request.object, keep_unknowns=False),
                    outputs={
                        **rpc.deserialize_properties(answer.object, keep_unknowns=False),
                        "id": answer.id,
                    },
                    sources={
                        name: tuple(found.urns)
                        for name, found in request.propertyDependencies.items()
                    },
                    provider=request.provider,
                    depends_on=tuple(request.dependencies),
                    protect=request.protect,
                    ignored=tuple(request.ignoreChanges),
                )
            )
        return answer

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: N802  # gRPC's name
        # A resource that is an input is recorded by its id, or the SDK would ask for it in a
        # thread whose event loop is another one.
        info = super().GetDeploymentInfo(request)  # type: ignore[no-untyped-call]  # the SDK's
        info.supportedFeatures.remove(RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES)
        return info

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  # gRPC's name
        if "pulumi:pulumi:Stack" in request.urn.split("::")[2].split("$")[-1]:
            self._recording.outputs = dict(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the SDK's


class _Answers(pulumi_mocks.Mocks):
    """Ids and ARNs as AWS would make them, and whatever `outputs.py` adds by type."""

    def __init__(self, *, preview: bool) -> None:
        self._preview = preview

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[Any, Any]]:
        make = OUTPUTS.get(args.typ)
        # A component of our own has no outputs here; one of a plugin has those of the table.
        if self._preview or not (args.custom or make):
            return "", dict(args.inputs)
        # Told apart by type: a subnet and its association have one name.
        id_ = f"{args.name}-{args.typ.rpartition(':')[2]}"
        state = {**args.inputs}
        if args.typ.startswith("aws:"):
            state.setdefault("arn", account_arn(args.typ, args.name))
        if make is not None:
            state.update(make(args.name, args.inputs))
        return str(state.get("id", id_)), state

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        if args.token not in CALLS:
            raise LookupError(f"no answer to {args.token}; add one to tests/infra/outputs.py")
        return CALLS[args.token](args.args)


def record(
    program: Callable[[], None],
    *,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    preview: bool = False,
) -> Recording:
    """What `program` registers, run as the stack's program in a context of its own.

    Args:
        program: Makes resources; may export outputs.
        config: `spool:` keys, without their namespace.
        preview: Outputs of resources are unknown, as in `pulumi preview` of a new stack.

    Raises:
        Whatever the program raises.
    """
    recording = Recording()

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            mocks = _Answers(preview=preview)
            pulumi.runtime.set_mocks(
                mocks,
                project=PROJECT,
                stack=stack,
                preview=preview,
                monitor=_Monitor(mocks, recording),
            )
            runtime_config.set_all_config(
                {f"{PROJECT}:{key}": value for key, value in (config or {}).items()}
            )
            # `set_mocks` makes a stack of its own, for tests that run no whole program.
            runtime_settings.ROOT.set(None)
            loop.run_until_complete(run_in_stack(program))
        finally:
            loop.close()

    # A thread has no event loop yet, and its context none of another run's settings.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.Context().run, run).result()
    _settle(len(sys.modules))
    return recording


@functools.cache
def _settle(modules: int) -> None:
    """Takes what is there out of the garbage collector's sight, again when there are more modules.

    The providers' modules are half a million objects that stay. A run makes so many others that
    the collector would look through all of them several times, which was half of a run's time.
    """
    gc.collect()
    gc.freeze()


def environment_of(recorded: Recorded) -> dict[str, Any]:
    """The variables of a Deployment's or Job's first container, by name."""
    spec = recorded.inputs["spec"]["template"]["spec"]
    return {each["name"]: each for each in spec["containers"][0].get("env", [])}
