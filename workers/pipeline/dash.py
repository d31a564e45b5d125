"""Writes the DASH manifest (ISO/IEC 23009-1, profile isoff-live) over the same segments."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as Xml

from workers.pipeline.media import Rational
from workers.pipeline.renditions import Rendition
from workers.pipeline.segments import Segment, SlicedTrack

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


def manifest(
    renditions: Sequence[tuple[Rendition, SlicedTrack]], frame_rate: Rational | None
) -> bytes:
    """The manifest; lies above the renditions' folders.

    Args:
        renditions: Each rendition with its segments.
        frame_rate: Of the pictures.
    """
    longest = max(rendition.duration_ms for rendition, _ in renditions)
    target = max(
        segment.duration / track.header.timescale
        for _, track in renditions
        for segment in track.segments
    )
    mpd = Xml.Element(
        "MPD",
        {
            "xmlns": NAMESPACE,
            "profiles": _PROFILE,
            "type": "static",
            "mediaPresentationDuration": f"PT{longest / 1000:.3f}S",
            "minBufferTime": f"PT{target:.3f}S",
            "maxSegmentDuration": f"PT{target:.3f}S",
        },
    )
    period = Xml.SubElement(mpd, "Period", {"id": "0", "start": "PT0S"})
    for kind in ("video", "audio"):
        members = [(r, t) for r, t in renditions if r.kind == kind]
        if members:
            _adaptation_set(period, kind, members, frame_rate)
    Xml.indent(mpd)
    return bytes(Xml.tostring(mpd, encoding="utf-8", xml_declaration=True)) + b"\n"


def _adaptation_set(
    period: Xml.Element,
    kind: str,
    members: Sequence[tuple[Rendition, SlicedTrack]],
    frame_rate: Rational | None,
) -> None:
    adaptation = Xml.SubElement(
        period,
        "AdaptationSet",
        {
            "contentType": kind,
            "mimeType": f"{kind}/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )
    if language := members[0][0].language:
        adaptation.set("lang", language)
    for rendition, track in members:
        attributes = {
            "id": rendition.name,
            "codecs": rendition.codecs,
            "bandwidth": str(rendition.bandwidth),
        }
        if kind == "video":
            attributes |= {
                "width": str(rendition.width),
                "height": str(rendition.height),
                "sar": "1:1",
            }
            if frame_rate is not None:
                attributes["frameRate"] = f"{frame_rate.num}/{frame_rate.den}"
        else:
            attributes["audioSamplingRate"] = str(rendition.sample_rate)
        node = Xml.SubElement(adaptation, "Representation", attributes)
        if kind == "audio":
            Xml.SubElement(
                node,
                "AudioChannelConfiguration",
                {"schemeIdUri": _CHANNELS, "value": str(rendition.channels)},
            )
        _template(node, track)


def _template(node: Xml.Element, track: SlicedTrack) -> None:
    template = Xml.SubElement(
        node,
        "SegmentTemplate",
        {
            "timescale": str(track.header.timescale),
            "initialization": "$RepresentationID$/init.mp4",
            "media": "$RepresentationID$/seg_$Number%05d$.m4s",
            "startNumber": "1",
        },
    )
    timeline = Xml.SubElement(template, "SegmentTimeline")
    expected: int | None = None
    for duration, run in groupby(track.segments, key=lambda segment: segment.duration):
        entry: Xml.Element | None = None
        for segment in run:
            if entry is not None and segment.start == expected:
                entry.set("r", str(int(entry.get("r", "0")) + 1))
            else:
                entry = _entry(timeline, segment, expected)
            expected = segment.start + duration


def _entry(timeline: Xml.Element, segment: Segment, expected: int | None) -> Xml.Element:
    attributes = {"d": str(segment.duration)}
    if segment.start != expected:
        attributes = {"t": str(segment.start), **attributes}
    return Xml.SubElement(timeline, "S", attributes)
