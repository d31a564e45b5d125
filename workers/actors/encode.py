"""One decode of the source feeds the encoders of all renditions."""

from workers.actors.stages import layout_of, source_of, track_names
from workers.pipeline.command import track_path
from workers.pipeline.encode import encode as encode_tracks
from workers.pipeline.progress import Progress
from workers.work import Work


async def encode(work: Work) -> None:
    source = await source_of(work)
    layout = await layout_of(work)

    def on_progress(progress: Progress) -> None:
        work.report(progress.fraction, progress.eta_s)

    done = await encode_tracks(
        work.services.ffmpeg,
        source,
        layout.probe,
        layout.plan,
        work.scratch,
        limits=work.services.limits,
        on_progress=on_progress,
    )
    work.log_tail = "\n".join(done.stderr_tail)
    prefix = work.output_prefix("renditions")
    keys = {}
    for name in track_names(layout.plan):
        keys[name] = f"{prefix}tracks/{name}.mp4"
        path = track_path(work.scratch, name)
        await work.services.store.put_file(keys[name], path, content_type="video/mp4", consume=True)
    await work.finish(
        result={
            "tracks": keys,
            "cpu_seconds": done.cpu_seconds,
            "wall_seconds": done.wall_seconds,
        }
    )
