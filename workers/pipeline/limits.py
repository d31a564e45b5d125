"""How much one file may ask of a machine."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on the input and on each process that touches it.

    The picture's bounds hold an 8K film (7680x4320, in either direction) and refuse what only an
    attacker sends. The process' bounds are those of setrlimit(2).
    """

    max_pixels: int = 36_000_000
    max_side: int = 16_384
    max_duration_s: int = 12 * 3600
    max_frame_gap_s: int = 600
    max_streams: int = 64
    memory_bytes: int = 8 * 1024**3
    cpu_seconds: int = 48 * 3600
    output_file_bytes: int = 64 * 1024**3
    open_files: int = 256
    probe_memory_bytes: int = 2 * 1024**3
    probe_cpu_seconds: int = 60
    probe_wall_seconds: float = 60.0
    scan_seconds: float = 10.0
    images_wall_seconds: float = 600.0

    def for_probe(self) -> "Limits":
        """The tighter bounds of a process that only reads headers and one frame."""
        return msgspec.structs.replace(
            self, memory_bytes=self.probe_memory_bytes, cpu_seconds=self.probe_cpu_seconds
        )
