"""A video through all of Spool, shown step by step; spoken over HTTP only, as any client would."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from app.cli.api import Api, Json
from app.cli.bars import Bars
from app.cli.clip import Clip
from app.cli.errors import Refused
from app.cli.follow import Followed, follow
from app.cli.resume import UploadMemory
from app.cli.screen import called_as, line, table, watch_url
from app.cli.upload import Uploaded, Uploader, Wishes
from app.cli.words import of_bytes, of_duration, of_seconds
from app.local.state_folder import StateFolder, read_json, write_private

# The API or PostgreSQL may be started again meanwhile.
PATIENCE_SECONDS = 60.0
_VIDEOS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """How the demo's video ended.

    Args:
        asset: As the API shows it.
        seconds: How long each step took.
    """

    asset: Json
    seconds: Mapping[str, float]

    @property
    def ready(self) -> bool:
        return bool(self.asset["state"] == "ready")

    def as_json(self) -> dict[str, Any]:
        """For programs; the form is part of the interface of `make demo ONCE=1`."""
        playback = self.asset["playback_ids"]
        return {
            "asset_id": self.asset["id"],
            "state": self.asset["state"],
            "playback_url": playback[0]["urls"]["hls"] if playback else None,
            "duration_ms": self.asset["duration_ms"],
            "renditions": [
                {
                    name: rendition[name]
                    for name in ("name", "kind", "codecs", "width", "height", "bandwidth")
                }
                for rendition in self.asset["renditions"]
            ],
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
        }


class Demo:
    """Shows a video on its way.

    Args:
        seconds: What the steps before took; completed by those of the video.
        began: When all of it began, by `time.perf_counter`.
    """

    def __init__(
        self,
        api: Api,
        folder: StateFolder,
        console: Console,
        seconds: Mapping[str, float],
        began: float,
    ) -> None:
        self._api = api
        self._folder = folder
        self._console = console
        self._seconds = dict(seconds)
        self._began = began
        self._kept = folder.path / "demo.json"

    def show(self, clip: Clip, *, reuse: bool) -> Shown:
        """Uploads a clip and follows it to its end, or shows the one of last time.

        Raises:
            Unreachable, Refused: Spool is away for longer than a minute, or does not take it.
        """
        asset = self._of_last_time() if reuse else None
        if asset is not None and asset["state"] == "ready":
            show_videos(self._api, self._console)
        else:
            asset = self._process(clip, asset)
        shown = Shown(asset, self._seconds)
        self._show_end(shown, clip)
        return shown

    def _process(self, clip: Clip, begun: Json | None) -> Json:
        if clip.credit:
            line(self._console, f"The clip: {clip.credit}.", "dim")
        with Bars(self._console) as bars:
            if begun is None:
                uploaded = self._upload(clip, bars)
                asset_id = uploaded.asset_id
                if clip.credit:
                    write_private(self._kept, {"asset_id": asset_id})
            else:
                asset_id = begun["id"]
            followed: Followed = follow(self._api, asset_id, bars)
        self._seconds |= followed.seconds
        self._seconds["total"] = time.perf_counter() - self._began
        return followed.asset

    def _upload(self, clip: Clip, bars: Bars) -> Uploaded:
        began = time.perf_counter()
        bar = bars.add("upload")
        uploader = Uploader(
            self._api,
            UploadMemory(self._folder.uploads, self._api.server),
            lambda done, size: bar.show(done / size, of_bytes(done)),
        )
        uploaded = uploader.upload(clip.path, Wishes(title=clip.title))
        took = time.perf_counter() - began
        bar.end(f"{of_bytes(uploaded.size)}, {of_bytes(uploaded.size / took)}/s", took)
        self._seconds["upload"] = took
        return uploaded

    def _of_last_time(self) -> Json | None:
        """The video of the last demo, if it has not failed or been deleted."""
        kept = read_json(self._kept)
        if kept is None:
            return None
        try:
            asset = self._api.get(f"/v1/assets/{kept['asset_id']}")
        except Refused as error:
            if error.status in {404, 410}:
                return None
            raise
        return asset if asset["state"] in {"ingesting", "processing", "ready"} else None

    def _show_end(self, shown: Shown, clip: Clip) -> None:
        asset = shown.asset
        line(self._console)
        if not shown.ready:
            error = asset.get("error") or {}
            what = f"The video is {asset['state']}"
            line(self._console, f"{what}: {error.get('message') or 'see below'}", "red")
            line(self._console, f"More: {called_as()} show {asset['id']}")
            return
        if "total" in shown.seconds:
            table(
                self._console,
                ("step", "took"),
                [(name, of_seconds(seconds)) for name, seconds in shown.seconds.items()],
            )
            line(self._console)
        line(self._console, f"Play it: {watch_url(asset)}", "bold green")
        line(self._console, f"Where it is and why: {called_as()} show {asset['id']}")
        if clip.credit and "total" not in shown.seconds:
            line(self._console, clip.credit, "dim")


def show_videos(api: Api, console: Console) -> None:
    """The newest videos of the project, if there are any."""
    videos = api.items("/v1/assets", _VIDEOS_SHOWN)
    if not videos:
        return
    line(console)
    table(
        console,
        ("video", "state", "length", "id"),
        [
            (video["title"], video["state"], of_duration(video["duration_ms"]), video["id"])
            for video in videos
        ],
    )
