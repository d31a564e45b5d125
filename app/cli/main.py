"""The command line `spool`: what can be typed. What it does is imported when it is called for."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli.config import Config
from app.cli.errors import INTERRUPTED, CommandFailed


class Commands(TyperGroup):
    """Turns what goes wrong into sentences and an exit status; nobody sees a traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's public name of it
        try:
            return super().invoke(ctx)
        except CommandFailed as error:
            from app.cli.screen import show_failure

            show_failure(error)
            raise typer.Exit(error.exit_status) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            from app.cli.screen import show_unforeseen

            show_unforeseen(error)
            raise typer.Exit(CommandFailed.exit_status) from error


app = typer.Typer(
    name="spool",
    cls=Commands,
    help="Spool: videos in, adaptive streams out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="API keys of the project.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")
queues = typer.Typer(
    help="SQS of this deployment, by the SPOOL_ settings in the environment.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(queues, name="queues")
events = typer.Typer(
    help="What leaves this deployment, by the SPOOL_ settings in the environment.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(events, name="events")
arrivals = typer.Typer(
    help="Objects that landed in a bucket, by the SPOOL_ settings in the environment.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(arrivals, name="arrivals")

AsJson = Annotated[bool, typer.Option("--json", help="Print what the API answered, as JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
State = Annotated[str | None, typer.Option(help="Only those in this state.")]


@app.callback()
def spool(
    ctx: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(
            envvar="SPOOL_SERVER", help="Base URL. Default: the Spool that runs on --state."
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="SPOOL_API_KEY", help="Default: that of the first account there."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            envvar="SPOOL_STATE", help="State folder. Default: .spool, here or in a folder above."
        ),
    ] = None,
    user_state: Annotated[Path | None, typer.Option(envvar="XDG_STATE_HOME", hidden=True)] = None,
) -> None:
    ctx.obj = Config(server, api_key, state, user_state)


@app.command()
def up(
    ctx: typer.Context,
    video: Annotated[
        Path | None, typer.Argument(help="A video to upload and follow to its end.")
    ] = None,
    demo: Annotated[bool, typer.Option(help="Show everything with a clip.")] = False,
    once: Annotated[
        bool, typer.Option(help="End when the video is ready; the last line is JSON.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The next free one is taken if it is taken.")
    ] = 8000,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    public_url: Annotated[
        str | None,
        typer.Option(envvar="SPOOL_PUBLIC_URL", help="What clients put before a path."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="State folder; .spool unless said before `up`.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="SPOOL_DATABASE_URL", help="A PostgreSQL to use. Default: one of its own."
        ),
    ] = None,
    migration_database_url: Annotated[
        str | None,
        typer.Option(envvar="SPOOL_MIGRATION_DATABASE_URL", help="Of the owner of its schema."),
    ] = None,
    scratch: Annotated[Path | None, typer.Option(envvar="SPOOL_SCRATCH_ROOT", hidden=True)] = None,
) -> None:
    """Run Spool on this machine until Ctrl-C."""
    from app.cli.config import STATE_NAME
    from app.cli.up import Wanted
    from app.cli.up import up as run
    from app.local.supervisor import Options

    config: Config = ctx.obj
    options = Options(
        state or config.state or Path(STATE_NAME),
        host,
        port,
        database_url,
        migration_database_url,
        public_url,
        scratch,
    )
    raise typer.Exit(run(options, Wanted(video, demo, once)))


@app.command()
def upload(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Videos.")],
    title: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
    signed: Annotated[bool, typer.Option(help="Plays with a token only.")] = False,
    checksum: Annotated[
        bool, typer.Option(help="Read the file first, and have its SHA-256 compared.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Until the videos are ready.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload videos. Interrupted, the same command goes on where it stopped."""
    from app.cli.upload import Wishes
    from app.cli.upload_command import upload_files

    wishes = Wishes(title, signed, checksum)
    raise typer.Exit(upload_files(ctx.obj, files, wishes, wait=wait, as_json=as_json))


@app.command()
def stream(
    file: Annotated[Path, typer.Argument(help="A video.")],
    stream: Annotated[
        str, typer.Option(envvar="SPOOL_KINESIS_STREAM", help="Name of the data stream.")
    ],
    region: Annotated[
        str | None,
        typer.Option(envvar="SPOOL_AWS_REGION", help="Of AWS. Default: AWS_REGION, or us-east-1."),
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(envvar="SPOOL_KINESIS_ENDPOINT_URL", help="Of a server that is not AWS."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was sent, as JSON.")] = False,
) -> None:
    """Send a video into a Kinesis data stream that Spool reads."""
    from app.cli.stream import stream_file

    stream_file(file, stream=stream, region=region, endpoint_url=endpoint_url, as_json=as_json)


@app.command()
def streams(
    ctx: typer.Context, state: State = None, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """List videos in data streams, newest first."""
    from app.cli.streams import list_streams

    list_streams(ctx.obj, state=state, limit=limit, as_json=as_json)


@app.command()
def assets(
    ctx: typer.Context,
    state: State = None,
    search: Annotated[str | None, typer.Option(help="Part of the title.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List videos, newest first."""
    from app.cli.assets import list_assets

    list_assets(ctx.obj, state=state, search=search, limit=limit, as_json=as_json)


@app.command()
def show(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Of an asset, a job, a task or an upload.")],  # noqa: A002  # the word people type
    as_json: AsJson = False,
) -> None:
    """Tell where something is, and why."""
    from app.cli.show import show as run

    run(ctx.obj, id, as_json=as_json)


@app.command("open")
def open_(
    ctx: typer.Context,
    asset: Annotated[str, typer.Argument(help="Its id.")],
    as_json: AsJson = False,
) -> None:
    """Play a video in the browser."""
    from app.cli.assets import open_asset

    open_asset(ctx.obj, asset, as_json=as_json)


@app.command()
def jobs(
    ctx: typer.Context, state: State = None, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """List jobs, newest first."""
    from app.cli.jobs import list_jobs

    list_jobs(ctx.obj, state=state, limit=limit, as_json=as_json)


@app.command()
def retry(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Of an asset, a job or a task that failed.")],  # noqa: A002  # the word people type
    as_json: AsJson = False,
) -> None:
    """Try failed work again."""
    from app.cli.jobs import retry as run

    run(ctx.obj, id, as_json=as_json)


@app.command()
def cancel(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Of an asset, a job, a task or an upload.")],  # noqa: A002  # the word people type
    as_json: AsJson = False,
) -> None:
    """Stop work that is not done."""
    from app.cli.jobs import cancel as run

    run(ctx.obj, id, as_json=as_json)


@keys.command("list")
def list_keys(ctx: typer.Context, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List API keys, newest first."""
    from app.cli.keys import list_keys as run

    run(ctx.obj, limit=limit, as_json=as_json)


@keys.command("create")
def create_key(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="To tell it by.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do; several times. Default: all that you may."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once."""
    from app.cli.keys import create_key as run

    run(ctx.obj, name, scope or [], as_json=as_json)


@keys.command("revoke")
def revoke_key(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Its id.")],
    as_json: AsJson = False,
) -> None:
    """End an API key."""
    from app.cli.keys import revoke_key as run

    run(ctx.obj, key, as_json=as_json)


@queues.command("list")
def count_queues(as_json: AsJson = False) -> None:
    """Count messages and dead letters."""
    from app.cli.queues import count

    count(as_json=as_json)


@queues.command("dead-letters")
def look_into_dead_letters(
    queue: Annotated[str, typer.Argument(help="Whose: a name that `queues list` shows.")],
    limit: Limit = 10,
    as_json: AsJson = False,
) -> None:
    """Tell what the dead letters of a queue are, and what became of their tasks."""
    from app.cli.queues import dead_letters

    dead_letters(queue, limit=limit, as_json=as_json)


@queues.command("redrive")
def redrive_dead_letters(
    queue: Annotated[str, typer.Argument(help="Whose: a name that `queues list` shows.")],
    message: Annotated[
        list[str] | None, typer.Argument(help="Ids of messages. Default: all of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters to their queue again."""
    from app.cli.queues import redrive

    redrive(queue, message or [], as_json=as_json)


@events.command("dead")
def list_dead_deliveries(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List events and mail that were given up, and why."""
    from app.cli.events import dead

    dead(limit=limit, as_json=as_json)


@events.command("redeliver")
def redeliver_events(
    event: Annotated[
        list[str] | None, typer.Argument(help="Ids of events. Default: all of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was given up."""
    from app.cli.events import redeliver

    redeliver(event or [], as_json=as_json)


@events.command("forget")
def forget_events(
    event: Annotated[list[str], typer.Argument(help="Ids of events.")],
    as_json: AsJson = False,
) -> None:
    """Let go of what was given up, such as mail to an address that is no more."""
    from app.cli.events import forget

    forget(event, as_json=as_json)


@arrivals.command("list")
def list_arrivals(state: State = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List objects with what became of them, newest first."""
    from app.cli.arrivals import list_arrivals as run

    run(state=state, limit=limit, as_json=as_json)


@arrivals.command("retry")
def retry_arrivals(
    id: Annotated[  # noqa: A002  # the word people type
        list[str] | None, typer.Argument(help="Of objects that were refused. Default: all of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take refused objects once more, each as a new video."""
    from app.cli.arrivals import retry as run

    run(id or [], as_json=as_json)
