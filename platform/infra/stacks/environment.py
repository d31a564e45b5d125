"""One stack of Spool's program, and what can be done with it."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pulumi import automation
from pulumi.automation.events import EngineEvent

from infra.outputs import Outputs
from infra.stacks.errors import (
    ConsentNeeded,
    ImagesUnpinned,
    NothingToRollBack,
    PlanStale,
    explained,
)
from infra.stacks.images import images_in, previous, unpinned
from infra.stacks.plans import STATEFUL, changes_of, drift_in, failures_of, fingerprint
from infra.stacks.reports import Drift, Plan, Update

OnEvent = Callable[[EngineEvent], None]
_Result = TypeVar("_Result")


class Environment:
    """A stack that exists.

    Every method raises `StackFailed` of the kind that fits: `UpdateRunning` where somebody else is
    at it, `UpdateFailed` with what each resource said, `StackInvalid`, `StateProtected`,
    `BackendAway`.

    Args:
        stack: As the Automation API has it.
        on_event: Is told every event of the engine, while it runs.
    """

    def __init__(self, stack: automation.Stack, on_event: OnEvent | None = None) -> None:
        self._stack = stack
        self._on_event = on_event

    @property
    def name(self) -> str:
        return self._stack.name

    def config(self) -> dict[str, str]:
        """Its configuration by full key; secrets in the clear."""
        found = self._run(lambda _: self._stack.get_all_config())
        return {key: value.value for key, value in found.items()}

    def configure(self, values: Mapping[str, str], *, secret: bool = False) -> None:
        """Sets `spool:` keys by their bare names."""
        wanted = {
            f"spool:{key}": automation.ConfigValue(value, secret) for key, value in values.items()
        }
        self._run(lambda _: self._stack.set_all_config(wanted))

    def preview(self) -> Plan:
        """What an update would do now, losses of state first. Changes nothing."""
        before = self._fingerprint()
        events: list[EngineEvent] = []
        self._run(lambda heard: self._stack.preview(on_event=heard), events)
        changes, unchanged = changes_of(events)
        return Plan(self.name, changes, unchanged, before)

    def up(self, plan: Plan | None = None, consent: Collection[str] = ()) -> Update:
        """Brings the stack to what the program says.

        Args:
            plan: From `preview`; refused when state, configuration or program have changed since.
            consent: Names of stateful resources that may be deleted or replaced.

        Raises:
            PlanStale: the plan is not what would be done now.
            ConsentNeeded: state would be lost that `consent` does not name. Nothing was done.
        """
        now = self.preview()
        if plan is not None:
            if plan.fingerprint != now.fingerprint:
                raise PlanStale(self.name, "the stack or its configuration has changed since")
            if tuple(plan.changes) != tuple(now.changes):
                raise PlanStale(self.name, "the program has changed since")
        self._ask_consent(now.losses, consent)
        return self._update("update", lambda heard: self._stack.up(on_event=heard).summary)

    def refresh(self) -> Update:
        """Takes into the state what the cloud has become."""
        return self._update("refresh", lambda heard: self._stack.refresh(on_event=heard).summary)

    def destroy(self, consent: Collection[str] = (), *, all_state: bool = False) -> Update:
        """Removes all that the stack made; the stack itself stays, empty.

        Raises:
            ConsentNeeded: state is not named, and `all_state` not said. Nothing was done.
        """
        if not all_state:
            self._ask_consent(self._stateful(), consent)
        return self._update("destroy", lambda heard: self._stack.destroy(on_event=heard).summary)

    def outputs(self) -> Outputs:
        """What the last update gave."""
        found = self._run(lambda _: self._stack.outputs())
        return Outputs.of({name: output.value for name, output in found.items()})

    def drift(self) -> Drift:
        """What was changed by hand since the last update. Changes nothing."""
        events: list[EngineEvent] = []
        self._run(lambda heard: self._stack.refresh(preview_only=True, on_event=heard), events)
        return Drift(self.name, drift_in(events))

    def images(self) -> dict[str, str]:
        """The images that its configuration names, by key."""
        return images_in(self.config())

    def promote_from(self, source: "Environment") -> dict[str, str]:
        """Takes the images of another environment into the configuration; `up` rolls them out.

        Raises:
            ImagesUnpinned: the other's are not named by digest.
        """
        images = source.images()
        loose = unpinned(images)
        if loose or not images:
            raise ImagesUnpinned(source.name, loose or ["none are set"])
        self.configure(images)
        return images

    def roll_back_images(self) -> dict[str, str]:
        """Takes the images of the newest update that succeeded with others; `up` rolls them out.

        Raises:
            NothingToRollBack: there is no such update.
        """
        history = self._run(lambda _: self._stack.history(show_secrets=False))
        found = previous(
            [
                (each.result, images_in({key: v.value for key, v in each.config.items()}))
                for each in history
                if each.kind == "update"
            ],
            self.images(),
        )
        if found is None:
            raise NothingToRollBack(self.name)
        self.configure(found)
        return dict(found)

    def unlock(self) -> None:
        """Removes the lock that an update left which is gone. A running one is broken off."""
        self._run(lambda _: self._stack.cancel())

    def remove(self) -> None:
        """Forgets the stack, its history and its configuration. It must be empty."""
        self._run(lambda _: self._stack.workspace.remove_stack(self.name))

    def _stateful(self) -> tuple[str, ...]:
        resources = self._deployment().get("resources") or ()
        return tuple(
            each["urn"].rsplit("::", 1)[-1] for each in resources if each["type"] in STATEFUL
        )

    def _deployment(self) -> Mapping[str, Any]:
        return self._run(lambda _: self._stack.export_stack()).deployment or {}

    def _ask_consent(self, losses: Collection[str], consent: Collection[str]) -> None:
        unnamed = [name for name in losses if name not in consent]
        if unnamed:
            raise ConsentNeeded(self.name, unnamed)

    def _fingerprint(self) -> str:
        return fingerprint(self._deployment(), self.config())

    def _update(self, kind: str, run: Callable[[OnEvent], automation.UpdateSummary]) -> Update:
        began = time.monotonic()
        summary = self._run(run)
        return Update(
            self.name,
            kind,
            {automation.OpType(op).value: n for op, n in (summary.resource_changes or {}).items()},
            time.monotonic() - began,
            summary.version,
        )

    def _run(
        self, run: Callable[[OnEvent], _Result], events: list[EngineEvent] | None = None
    ) -> _Result:
        heard: list[EngineEvent] = [] if events is None else events

        def hear(event: EngineEvent) -> None:
            heard.append(event)
            if self._on_event is not None:
                self._on_event(event)

        try:
            return run(hear)
        except (automation.CommandError, automation.InvalidVersionError, OSError) as error:
            failures = failures_of(heard) if heard else None
            raise explained(error, self.name, failures) from error
