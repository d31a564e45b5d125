"""`spool up`: Spool on this machine until Ctrl-C, or until one video is ready."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from app.cli.account import ensure_account
from app.cli.api import Api
from app.cli.clip import Clip, demo_clip
from app.cli.demo import PATIENCE_SECONDS, Demo, show_videos
from app.cli.errors import INTERRUPTED, CommandFailed
from app.cli.screen import called_as, line, notes, results, show_json
from app.cli.words import of_seconds
from app.local.ports import NoFreePort
from app.local.postgres_host import PostgresError
from app.local.schema import MigrationFailed
from app.local.state_folder import AlreadyRunning
from app.local.supervisor import Options, StartFailed, Supervisor

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do once Spool is up.

    Args:
        video: A file to upload; None for none, or for the demo's clip.
        demo: Show everything with a clip.
        once: End when the video is ready, with JSON on the last line.
    """

    video: Path | None
    demo: bool
    once: bool


def up(options: Options, wanted: Wanted) -> int:
    """Runs Spool; the exit status.

    Raises:
        CommandFailed: it cannot start, or the demo could not be carried out.
    """
    if wanted.video is not None and not wanted.video.is_file():
        raise CommandFailed(f"There is no file {wanted.video}.")
    for number in _STOPPING:
        signal.signal(number, _interrupt)
    console = notes() if wanted.once else results()
    try:
        with Supervisor(options, lambda said: line(console, said, "yellow")) as supervisor:
            return _use(supervisor, wanted, console)
    except KeyboardInterrupt:
        line(console, "Stopped. What you have is kept; the same command finds it again.")
        return INTERRUPTED if wanted.once else 0
    except AlreadyRunning as error:
        where = error.url or "an address it has not said yet"
        raise CommandFailed(
            f"Spool runs on {error.folder} already, at {where} (process {error.pid}).",
            "Use that one, or another folder with --state.",
        ) from error
    except (StartFailed, PostgresError, MigrationFailed, NoFreePort) as error:
        raise CommandFailed(str(error)) from error


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Once: the second Ctrl-C of somebody impatient must not leave half of it running.
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _use(supervisor: Supervisor, wanted: Wanted, console: Console) -> int:
    began = time.perf_counter() - sum(supervisor.seconds.values())
    account = supervisor.folder.account
    key, is_new = ensure_account(supervisor.url, account, patience=PATIENCE_SECONDS)
    supervisor.folder.announce(supervisor.url)
    line(console, f"Spool runs at {supervisor.url}, ready in {_since(began)}.", "bold")
    if is_new:
        line(console, f"Made a first account; its password and API key are in {account}.")
    with Api(supervisor.url, key, patience=PATIENCE_SECONDS) as api:
        demo = Demo(api, supervisor.folder, console, supervisor.seconds, began)
        if wanted.once or wanted.video is not None or wanted.demo:
            clip = _clip(wanted, supervisor)
            # The clip is shown again; a person's own file is taken as often as it is given.
            again = wanted.demo and not wanted.once and wanted.video is None
            shown = demo.show(clip, reuse=again)
            if wanted.once:
                show_json(shown.as_json(), one_line=True)
                return 0 if shown.ready else CommandFailed.exit_status
        else:
            show_videos(api, console)
    line(console)
    line(console, f"The API, to try and to read: {supervisor.url}/docs")
    spool = called_as()
    line(console, f"In another terminal: {spool} assets, {spool} upload FILE, {spool} --help")
    line(console, "Ctrl-C stops it.", "dim")
    _wait_for_signal(console)
    return 0


def _clip(wanted: Wanted, supervisor: Supervisor) -> Clip:
    if wanted.video is not None:
        return Clip(wanted.video)
    return demo_clip(supervisor.folder.path / "demo")


def _wait_for_signal(console: Console) -> None:
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        line(console)
        line(console, "Stopping.")
        raise


def _since(began: float) -> str:
    return of_seconds(time.perf_counter() - began)
