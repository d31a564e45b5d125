"""Uploads a clip to a Spool of its own and draws the trace that a collector got of it.

python -m tests.bench.trace_picture [docs/images/trace.svg]
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.waterfall import draw
from tests.e2e.system.client import Client
from tests.e2e.system.stack import API, WORKER, Stack
from tests.e2e.telemetry.tree import trace_of_asset, whole
from tests.media.clips import AAC, X264, Clips, picture, tone
from tests.servers.otlp import Collector, collector
from workers.pipeline.ffmpeg import find_ffmpeg

_PICTURE = Path(__file__).parents[2] / "docs" / "images" / "trace.svg"


async def record(stack: Stack, receiver: Collector, clip: Path) -> str:
    """Takes one video from upload to playback; gives its asset's id."""
    for name in (API, WORKER):
        stack.start(name, otlp_endpoint=receiver.grpc_url)
    await stack.ready(API, WORKER)
    async with await Client.register(stack.url) as client:
        asset_id = await client.upload(clip)
        await client.becomes_ready(asset_id)
    await asyncio.to_thread(receiver.await_spans, lambda seen: whole(seen, asset_id))
    return asset_id


def main(target: Path) -> None:
    with TemporaryDirectory(prefix="spool-trace-") as name, collector() as receiver:
        folder = Path(name)
        arguments = (*picture("1280x720", seconds=6), *tone(6), *X264, *AAC)
        clip = Clips(find_ffmpeg(), folder).make("holiday.mp4", *arguments)
        stack = Stack(folder / "stack")
        try:
            stack.up(api=False)
            asset_id = asyncio.run(record(stack, receiver, clip))
        finally:
            stack.down()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(draw(trace_of_asset(receiver.spans, asset_id)))
        print(f"{len(receiver.spans)} spans, {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _PICTURE)
