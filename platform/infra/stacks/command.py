"""`spool-env`: stacks from the command line. Shows progress while the engine works.

Exit status: 0 done, 1 failed (the message says what to do), 2 drift, or a wrong command line.
"""

import dataclasses
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.config.keys import PRESETS, Preset
from infra.stacks.bootstrap import bootstrap as make_backend
from infra.stacks.doctor import examine
from infra.stacks.environments import Environments
from infra.stacks.errors import StackFailed
from infra.stacks.keys import new_signing_keys
from infra.stacks.progress import Progress
from infra.stacks.reports import Change, Plan, Update

app = typer.Typer(
    help="Stacks of Spool on AWS.", no_args_is_help=True, pretty_exceptions_enable=False
)
keys = typer.Typer(help="Keys that a stack signs with.", no_args_is_help=True)
app.add_typer(keys, name="keys")

Name = Annotated[str, typer.Argument(help="Name of the stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs, on standard output.")]
Consent = Annotated[
    list[str] | None, typer.Option(help="A stateful resource that may be deleted or replaced.")
]
_screen, _out = Console(stderr=True), Console()


@app.command()
def bootstrap(
    bucket: Annotated[str, typer.Argument(help="Bucket for the state of all stacks.")],
    region: Annotated[str, typer.Option(help="Its region.")] = "us-east-1",
    as_json: AsJson = False,
) -> None:
    """Makes the bucket and the key of the state, once per account; again does no harm."""
    with _explained():
        made = make_backend(bucket, region)
    if as_json:
        _show(made)
        return
    _out.print(f"export PULUMI_BACKEND_URL='{made.backend_url}'", soft_wrap=True)
    _out.print(f"export SPOOL_SECRETS_PROVIDER='{made.secrets_provider}'", soft_wrap=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the stack, or of the branch.")],
    preset: Annotated[str, typer.Option(help=f"One of {', '.join(PRESETS)}.")] = "dev",
    branch: Annotated[bool, typer.Option(help="A throw-away stack for a branch.")] = False,
    expires: Annotated[str, typer.Option(help="When the branch's stack ends: 12h, 3d.")] = "3d",
    secrets_provider: Annotated[
        str | None, typer.Option(envvar="SPOOL_SECRETS_PROVIDER", help="As bootstrap printed it.")
    ] = None,
) -> None:
    """Makes a stack, configured and empty."""
    if preset not in PRESETS:
        raise typer.BadParameter(f"{preset} is none of {', '.join(PRESETS)}")
    chosen: Preset = preset  # type: ignore[assignment]  # one of them, as was just seen
    with _explained():
        environments = Environments(secrets_provider=secrets_provider)
        made = (
            environments.create_for_branch(name, expires)
            if branch
            else environments.create(name, chosen)
        )
        _screen.print(f"{made.name} is there and empty. Next: spool-env preview {made.name}")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """All stacks of the backend."""
    with _explained():
        found = Environments().all()
    if as_json:
        _show(found)
        return
    table = Table("stack", "updated", "resources", "expires")
    for each in found:
        table.add_row(
            each.name + (" (running)" if each.running else ""),
            _when(each.updated_at),
            "" if each.resources is None else str(each.resources),
            _when(each.expires_at),
        )
    _out.print(table)


@app.command()
def preview(name: Name, as_json: AsJson = False) -> None:
    """What an update would do, losses of state first."""
    with _explained(), _progress(as_json) as heard:
        plan = Environments(on_event=heard).get(name).preview()
    _show_plan(plan, as_json)


@app.command()
def up(
    name: Name,
    consent: Consent = None,
    plan: Annotated[
        Path | None, typer.Option(help="Output of preview --json; refused when it is stale.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Brings the stack to what the program says; shows what that is, and asks."""
    with _explained(), _progress(as_json) as heard:
        environment = Environments(on_event=heard).get(name)
        wanted = _read_plan(plan) if plan is not None else environment.preview()
    if plan is None and not as_json:
        _show_plan(wanted, as_json=False)
    if not (yes or as_json or plan is not None):
        typer.confirm("Do this?", abort=True)
    with _explained(), _progress(as_json) as heard:
        done = Environments(on_event=heard).get(name).up(wanted, consent or ())
    _show_update(done, as_json)


@app.command()
def refresh(name: Name, as_json: AsJson = False) -> None:
    """Takes into the state what the cloud has become."""
    with _explained(), _progress(as_json) as heard:
        done = Environments(on_event=heard).get(name).refresh()
    _show_update(done, as_json)


@app.command()
def destroy(
    name: Name,
    consent: Consent = None,
    all_state: Annotated[
        bool, typer.Option("--all-state", help="All state may go, whatever it is.")
    ] = False,
    forget: Annotated[bool, typer.Option(help="Remove the empty stack as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Removes all that the stack made."""
    with _explained(), _progress(as_json) as heard:
        environment = Environments(on_event=heard).get(name)
        done = environment.destroy(consent or (), all_state=all_state)
        if forget:
            environment.remove()
    _show_update(done, as_json)


@app.command()
def outputs(name: Name, as_json: AsJson = False) -> None:
    """What the last update gave: addresses, names, ARNs. No secrets."""
    with _explained():
        found = Environments().get(name).outputs()
    if as_json:
        _show(found)
        return
    for field, value in dataclasses.asdict(found).items():
        if value is not None:
            _out.print(f"{field}: {value}", soft_wrap=True)


@app.command()
def drift(name: Name, as_json: AsJson = False) -> None:
    """What was changed by hand. Exit status 0: nothing, 2: something, 1: it is not known."""
    with _explained(), _progress(as_json) as heard:
        found = Environments(on_event=heard).get(name).drift()
    if as_json:
        _show(found)
    else:
        _show_changes(found.changes, "No drift.")
    raise typer.Exit(found.exit_code)


@app.command()
def promote(
    source: Annotated[str, typer.Argument(help="Stack whose images are taken.")],
    target: Annotated[str, typer.Argument(help="Stack that gets them.")],
) -> None:
    """Takes the images of one stack, by digest, into another's configuration."""
    with _explained():
        environments = Environments()
        images = environments.get(target).promote_from(environments.get(source))
    for key, image in images.items():
        _screen.print(f"{key}: {image}", soft_wrap=True)
    _screen.print(f"Next: spool-env up {target}")


@app.command()
def rollback(name: Name) -> None:
    """Takes the images of the last update that had others and succeeded."""
    with _explained():
        images = Environments().get(name).roll_back_images()
    for key, image in images.items():
        _screen.print(f"{key}: {image}", soft_wrap=True)
    _screen.print(f"Next: spool-env up {name}")


@app.command()
def unlock(name: Name) -> None:
    """Removes the lock of an update that is gone. One that still runs is broken off."""
    with _explained():
        Environments().get(name).unlock()


@app.command()
def reap(
    dry_run: Annotated[bool, typer.Option(help="Only say which.")] = False,
    as_json: AsJson = False,
) -> None:
    """Destroys and forgets branches' stacks whose time is over."""
    with _explained(), _progress(as_json) as heard:
        environments, now = Environments(on_event=heard), datetime.now(UTC)
        gone = environments.expired(now) if dry_run else environments.reap(now)
    if as_json:
        _out.print_json(json.dumps(gone))
        return
    _screen.print(f"{'Due' if dry_run else 'Gone'}: {', '.join(gone) or 'none'}")


@app.command()
def doctor(
    name: Annotated[str | None, typer.Argument(help="Look at this stack, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Looks whether all is there that stacks need: CLI, backend, login, configuration."""
    checks = examine(name)
    if as_json:
        _show(checks)
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check.ok else 'FAIL'} {check.question}: {check.answer}")
            if not check.ok and check.advice:
                typer.echo(f"     {check.advice}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@keys.command(name="new")
def keys_new(name: Name) -> None:
    """A new key for signed cookies; earlier ones go on verifying."""
    with _explained():
        environment = Environments().get(name)
        made = new_signing_keys(environment.config(), f"key-{secrets.token_hex(3)}")
        environment.configure(made.plain)
        environment.configure(made.secret, secret=True)
    _screen.print(f"{made.plain['cdnSigningKey']} signs from the next update of {name} on.")


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong is a sentence and an exit status, and no traceback."""
    try:
        yield
    except (StackFailed, ValueError) as error:
        _screen.print(str(error), style="red", soft_wrap=True, markup=False)
        raise typer.Exit(1) from error


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    if as_json:
        yield None
        return
    with Progress(_screen) as progress:
        yield progress.hear


def _read_plan(path: Path) -> Plan:
    fields = json.loads(path.read_text())
    changes = [
        Change(**{**each, "properties": tuple(each["properties"])}) for each in fields["changes"]
    ]
    return Plan(**{**fields, "changes": changes})


def _show(value: Any) -> None:
    items = [dataclasses.asdict(each) for each in value] if isinstance(value, list) else None
    text = json.dumps(dataclasses.asdict(value) if items is None else items, default=str)
    typer.echo(text)


def _show_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        _show(plan)
        return
    _show_changes(plan.changes, "Nothing to do.")
    _out.print(f"{len(plan.changes)} changes, {plan.unchanged} stay as they are.")
    for loss in plan.losses:
        _out.print(f"State is lost: {loss}. It takes --consent {loss}", style="red")


def _show_changes(changes: Any, nothing: str) -> None:
    if not changes:
        _out.print(nothing)
        return
    table = Table("", "resource", "type", "what differs")
    for change in changes:
        table.add_row(
            change.operation,
            change.name,
            change.type,
            ", ".join(change.properties),
            style="red" if change.loses_state else None,
        )
    _out.print(table)


def _show_update(done: Update, as_json: bool) -> None:
    if as_json:
        _show(done)
        return
    counts = ", ".join(f"{count} {operation}" for operation, count in done.changes.items())
    _screen.print(f"{done.stack}: {done.kind} in {done.seconds:.0f} s: {counts or 'nothing to do'}")


def _when(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")
