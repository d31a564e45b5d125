"""Reads one file with the libraries of FFmpeg; runs in a process of its own.

Run as `python -m workers.pipeline.probe_child PATH LIMITS` by `probe.probe`: a demuxer that
crashes, hangs or eats memory ends this process and not a worker. Prints one JSON line.
"""

import sys
from pathlib import Path

import msgspec

from workers.pipeline.errors import BadInput
from workers.pipeline.limits import Limits
from workers.pipeline.media import Note, Probe
from workers.pipeline.probe_read import read_media
from workers.pipeline.sniff import sniff


class Answer(msgspec.Struct, frozen=True):
    """Either what was found, or why the file is refused."""

    probe: Probe | None = None
    refusal: Note | None = None


def answer(path: Path, limits: Limits) -> Answer:
    """Probe a file; a refusal is an answer too."""
    try:
        return Answer(probe=read_media(path, sniff(path), limits))
    except BadInput as error:
        return Answer(refusal=Note(error.code, error.message))
    except MemoryError:
        return Answer(
            refusal=Note(
                "too_complex",
                "Reading this file takes more memory than is allowed. Export it anew.",
            )
        )


if __name__ == "__main__":
    found = answer(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Limits))
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
