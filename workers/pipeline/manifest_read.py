"""Reads back the DASH manifests we write."""

from pathlib import Path
from xml.etree import ElementTree as Xml

from workers.pipeline.dash import NAMESPACE

_MPD = {"mpd": NAMESPACE}
_MAX_SEGMENTS = 1_000_000


def read_manifest(path: Path) -> dict[str, list[tuple[int, int]]]:
    """For each representation the start and duration of its segments, in its timescale.

    Raises:
        ValueError: It is not a manifest of our form.
    """
    try:
        root = Xml.parse(path).getroot()  # noqa: S314  # written by this process' own package step
    except Xml.ParseError as error:
        raise ValueError(f"{path.name} is not XML: {error}") from error
    found: dict[str, list[tuple[int, int]]] = {}
    for representation in root.iterfind(".//mpd:Representation", _MPD):
        segments: list[tuple[int, int]] = []
        at = 0
        for entry in representation.iterfind(".//mpd:SegmentTimeline/mpd:S", _MPD):
            at = int(entry.get("t", at))
            duration = int(entry.get("d", 0))
            for _ in range(int(entry.get("r", 0)) + 1):
                segments.append((at, duration))
                at += duration
            if len(segments) > _MAX_SEGMENTS:
                raise ValueError(f"{path.name} lists too many segments")
        found[representation.get("id", "")] = segments
    return found
