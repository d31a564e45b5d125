"""Reads a file's packets once, and decodes until one picture or sound is proven good."""

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workers.pipeline.scan import PacketTimes

_PACKETS_TO_FIRST_FRAME = 300


class PacketReader:
    """Goes through a file from start to end, or until the time for it is over.

    Args:
        container: The open file.
        main: The track whose time stamps are wanted and of which a frame is decoded.
        beside: Further tracks that tell where the file ends.
        seconds: How long reading may take; `complete` tells whether it was enough.
    """

    def __init__(
        self,
        container: InputContainer,
        main: VideoStream | AudioStream,
        *,
        beside: Sequence[AudioStream],
        seconds: float,
    ) -> None:
        self._container = container
        self._main = main
        self._beside = beside
        self._deadline = time.monotonic() + seconds
        self._tries = 0
        self.picture: VideoFrame | None = None
        self.heard = False
        self.complete = True
        self.bytes_read = 0
        # Where the last packet ends, on the file's clock, in seconds.
        self.end = Fraction(0)

    def packets(self) -> Iterator[PacketTimes]:
        """The time stamps of the main track, in the order of the file."""
        wanted = [self._main, *self._beside]
        indices = {stream.index for stream in wanted}
        for other in self._container.streams:
            if other.index not in indices:
                other.discard = Discard.all
        for number, packet in enumerate(self._container.demux(*wanted)):
            if number % 1000 == 999 and time.monotonic() > self._deadline:
                self.complete = False
                return
            is_main = packet.stream_index == self._main.index
            if is_main and self.picture is None and not self.heard:
                self._decode(packet)
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None or packet.time_base is None:
                continue
            self.end = max(self.end, (pts + (packet.duration or 0)) * packet.time_base)
            if not is_main:
                continue
            self.bytes_read += packet.size
            if not packet.is_discard:
                yield PacketTimes(pts, packet.duration or 0, packet.is_keyframe)

    def _decode(self, packet: "av.Packet[Any]") -> None:
        self._tries += 1
        if self._tries > _PACKETS_TO_FIRST_FRAME:
            return
        try:
            frame = next(iter(packet.decode()), None)
        except (av.error.InvalidDataError, av.error.EOFError):
            return  # real recordings begin with damaged pictures; the next may be whole
        if isinstance(frame, VideoFrame):
            self.picture = frame
        self.heard = isinstance(frame, AudioFrame)
