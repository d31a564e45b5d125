"""`spool upload`."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from app.cli.api import Api, Json
from app.cli.bars import Bars
from app.cli.config import Config
from app.cli.errors import INTERRUPTED, BadUsage, CommandFailed
from app.cli.follow import follow
from app.cli.resume import UploadMemory
from app.cli.screen import called_as, line, notes, results, show_failure, show_json, watch_url
from app.cli.upload import PATIENCE_SECONDS, Uploaded, Uploader, Wishes
from app.cli.words import of_bytes


def upload_files(
    config: Config, files: Sequence[Path], wishes: Wishes, *, wait: bool, as_json: bool
) -> int:
    """Uploads files one after the other, each in parallel parts; the exit status.

    A file that fails does not keep the others from being sent.
    """
    if wishes.title and len(files) > 1:
        raise BadUsage("--title is for one file.", "Upload them one by one, or leave it out.")
    console = notes()
    answers: list[Json] = []
    status = 0
    with Api.of(config, patience=PATIENCE_SECONDS) as api:
        # So that a server that is not there is told at once, not after a minute.
        Api.of(config).get("/v1/me")
        memory = UploadMemory(config.uploads, api.server)
        for file in files:
            try:
                answer = _upload_file(api, memory, file, wishes, wait, console)
            except KeyboardInterrupt:
                line(console, "Interrupted. The same command goes on where this stopped.")
                return INTERRUPTED
            except CommandFailed as error:
                if len(files) > 1:
                    line(console, f"{file}:")
                show_failure(error)
                status = status or error.exit_status
                continue
            answers.append(answer)
            if answer["state"] == "failed":
                status = status or CommandFailed.exit_status
                _show_failed(answer, notes() if as_json else results())
            elif not as_json:
                _show(answer)
    if as_json:
        show_json({"items": answers})
    return status


def _upload_file(
    api: Api, memory: UploadMemory, file: Path, wishes: Wishes, wait: bool, console: Console
) -> Json:
    with Bars(console) as bars:
        bar = bars.add("upload")
        uploader = Uploader(
            api, memory, lambda done, size: bar.show(done / size, f"{of_bytes(done)}  {file.name}")
        )
        uploaded = uploader.upload(file, wishes)
        bar.end(f"{_sent(uploaded)}  {file.name}")
        if wait:
            asset = follow(api, uploaded.asset_id, bars).asset
        else:
            asset = api.get(f"/v1/assets/{uploaded.asset_id}")
    return {**asset, "upload_id": uploaded.upload_id, "sent_bytes": uploaded.sent}


def _sent(uploaded: Uploaded) -> str:
    if uploaded.sent == uploaded.size:
        return of_bytes(uploaded.size)
    return f"{of_bytes(uploaded.sent)} of {of_bytes(uploaded.size)}, the rest was there"


def _show(asset: Json) -> None:
    line(results(), f"{asset['id']} {watch_url(asset)}")
    if asset["state"] != "ready":
        line(notes(), f"It is {asset['state']}. Where it is: {called_as()} show {asset['id']}")


def _show_failed(asset: Json, console: Console) -> None:
    line(console, f"{asset['id']} failed: {asset['error']['message']}", "red")
