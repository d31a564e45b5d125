"""Parses what was made and compares it with what was planned, before anyone may see it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import m3u8
import msgspec

from workers.pipeline.boxes import Mp4Error
from workers.pipeline.errors import BadInput, HostFailure, PipelineError
from workers.pipeline.ladder import Rung
from workers.pipeline.manifest_read import read_manifest
from workers.pipeline.media import Probe
from workers.pipeline.mp4 import Fragment, read_fragments, read_track, shown_at
from workers.pipeline.package import MANIFEST, MASTER
from workers.pipeline.plan import Plan, plan_rate
from workers.pipeline.track_header import TrackHeader

_PLAYLIST_TOLERANCE_S = 0.002
_START_DRIFT_MS = 40.0  # ITU-R BT.1359: where sound out of step begins to be noticed
_DURATION_TOLERANCE_MS = 250.0
_DURATION_SHARE = 0.01
_AS_LONG = "as long as the source"


class Check(msgspec.Struct, frozen=True):
    """One question about the result, with what was hoped for and what was seen."""

    name: str
    ok: bool
    expected: str
    found: str


class Report(msgspec.Struct, frozen=True):
    """All checks; `ok` when every one holds."""

    checks: tuple[Check, ...]
    ok: bool

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.ok)


def explain_failure(report: Report) -> PipelineError:
    """The error that a report with failures amounts to.

    A wrong length alone is the source's doing: parts of it could not be decoded, or its time
    stamps jump. Encoding it once more would give the same bytes.
    """
    failures = report.failures
    if [check.name for check in failures] == [_AS_LONG]:
        return BadInput(
            "damaged",
            f"Parts of the video are damaged: of {failures[0].expected}, {failures[0].found} "
            "could be used. Play it on your machine and export it again.",
        )
    return HostFailure(
        "not_conformant",
        f"What was made is not as planned ({failures[0].name}); it is not published.",
    )


class _Made(msgspec.Struct, frozen=True):
    """One rendition as it lies on the disk: its segments, each a list of fragments."""

    name: str
    header: TrackHeader
    segments: tuple[tuple[Fragment, ...], ...]
    playlist_s: tuple[float, ...]

    def seconds(self, units: int) -> float:
        return units / self.header.timescale

    @property
    def starts_s(self) -> tuple[float, ...]:
        return tuple(float(shown_at(self.header, segment[0])) for segment in self.segments)

    @property
    def end_s(self) -> float:
        last = self.segments[-1][-1]
        return self.seconds(last.start + last.duration)

    @property
    def samples(self) -> int:
        return sum(fragment.samples for segment in self.segments for fragment in segment)


def verify(package_dir: Path, plan: Plan, probe: Probe) -> Report:
    """Check a package: segments, playlists, manifest, alignment, duration. Blocks on the disk.

    Tolerances: playlists 2 ms a segment; alignment of renditions half a frame; start of sound
    against picture 40 ms; duration against the source 250 ms or one in a hundred.
    """
    names = [rung.name for rung in plan.ladder.rungs]
    if plan.ladder.audio is not None:
        names.append(plan.ladder.audio.name)
    checks: list[Check] = []
    made: dict[str, _Made] = {}
    for name in names:
        try:
            made[name] = _read(package_dir / name, name)
        except (Mp4Error, OSError, ValueError, IndexError) as error:
            checks.append(Check(f"{name}: parses", ok=False, expected="readable", found=str(error)))
    if not checks:
        checks += _check_all(package_dir, plan, probe, made)
    return Report(tuple(checks), ok=all(check.ok for check in checks))


def _read(folder: Path, name: str) -> _Made:
    header = read_track(folder / "init.mp4").header
    playlist = m3u8.loads((folder / "index.m3u8").read_text())
    segments = tuple(read_fragments(folder / str(s.uri), header) for s in playlist.segments)
    if not segments or not all(segments):
        raise Mp4Error("a segment without a fragment")
    return _Made(name, header, segments, tuple(float(s.duration or 0) for s in playlist.segments))


def _check_all(
    package_dir: Path, plan: Plan, probe: Probe, made: dict[str, _Made]
) -> Iterator[Check]:
    for track in made.values():
        yield from _check_track(track)
    pictures = [made[rung.name] for rung in plan.ladder.rungs]
    for rung, track in zip(plan.ladder.rungs, pictures, strict=True):
        yield _check_size(rung, track)
    if pictures:
        yield from _check_alignment(pictures, 0.5 / float(plan_rate(plan)))
        yield _check_frames(plan, probe, pictures)
    yield _check_duration(probe, made)
    if pictures and plan.ladder.audio is not None:
        yield _check_sync(probe, pictures[0], made[plan.ladder.audio.name])
    yield _check_master(package_dir, made)
    yield from _check_manifest(package_dir, made)


def _check_track(track: _Made) -> Iterator[Check]:
    fragments = [fragment for segment in track.segments for fragment in segment]
    breaks = [b.start - (a.start + a.duration) for a, b in pairwise(fragments)]
    worst = max((abs(gap) for gap in breaks), default=0)
    yield Check(f"{track.name}: no gap or overlap", ok=worst == 0, expected="0", found=str(worst))
    unsynced = [n for n, s in enumerate(track.segments, 1) if not s[0].starts_with_sync]
    yield Check(
        f"{track.name}: segments start with a keyframe",
        ok=not unsynced,
        expected="all",
        found=f"not {unsynced[:5]}" if unsynced else "all",
    )
    # Chromium reads the first edit only, so an empty edit before it would put sound out of step.
    yield Check(
        f"{track.name}: one edit at most",
        ok=track.header.edits <= 1,
        expected="0 or 1",
        found=str(track.header.edits),
    )
    off = max(
        abs(track.seconds(sum(f.duration for f in segment)) - told)
        for segment, told in zip(track.segments, track.playlist_s, strict=True)
    )
    yield Check(
        f"{track.name}: playlist tells the segments' lengths",
        ok=off <= _PLAYLIST_TOLERANCE_S,
        expected=f"within {_PLAYLIST_TOLERANCE_S} s",
        found=f"{off:.6f} s",
    )


def _check_size(rung: Rung, track: _Made) -> Check:
    expected = f"{rung.width}x{rung.height}"
    found = f"{track.header.width}x{track.header.height}"
    return Check(f"{rung.name}: picture size", ok=found == expected, expected=expected, found=found)


def _check_alignment(pictures: list[_Made], half_frame_s: float) -> Iterator[Check]:
    first = pictures[0]
    for other in pictures[1:]:
        same = len(other.segments) == len(first.segments)
        yield Check(
            f"{other.name}: as many segments as {first.name}",
            ok=same,
            expected=str(len(first.segments)),
            found=str(len(other.segments)),
        )
        if same:
            off = max(abs(a - b) for a, b in zip(first.starts_s, other.starts_s, strict=True))
            yield Check(
                f"{other.name}: segments start with those of {first.name}",
                ok=off <= half_frame_s,
                expected=f"within {half_frame_s:.4f} s",
                found=f"{off:.4f} s",
            )


def _check_frames(plan: Plan, probe: Probe, pictures: list[_Made]) -> Check:
    counts = {track.samples for track in pictures}
    spread = max(counts) - min(counts)
    # A copied rendition keeps every frame of the source, an encoded one may fill a gap.
    allowed = 0 if plan.uniform else 2 + probe.duration_ms // 10_000
    return Check(
        "renditions have the same number of frames",
        ok=spread <= allowed,
        expected=f"within {allowed}",
        found=", ".join(str(count) for count in sorted(counts)),
    )


def _check_duration(probe: Probe, made: dict[str, _Made]) -> Check:
    found = max(track.end_s for track in made.values()) * 1000
    allowed = max(_DURATION_TOLERANCE_MS, probe.duration_ms * _DURATION_SHARE)
    return Check(
        _AS_LONG,
        ok=abs(found - probe.duration_ms) <= allowed,
        expected=f"{probe.duration_ms / 1000:.1f} s",
        found=f"{found / 1000:.1f} s",
    )


def _check_sync(probe: Probe, picture: _Made, sound: _Made) -> Check:
    # A picture that starts late in the source may do so in the result.
    late = max(0, probe.video.start_ms) if probe.video else 0
    drift = (picture.starts_s[0] - sound.starts_s[0]) * 1000
    return Check(
        "sound starts with the picture",
        ok=-_START_DRIFT_MS <= drift <= late + _START_DRIFT_MS,
        expected=f"within {_START_DRIFT_MS:.0f} ms",
        found=f"{drift:.1f} ms",
    )


def _check_master(package_dir: Path, made: dict[str, _Made]) -> Check:
    master = m3u8.load(str(package_dir / MASTER))
    named = {str(p.uri) for p in master.playlists} | {str(m.uri) for m in master.media}
    expected = {f"{name}/index.m3u8" for name in made}
    return Check(
        "master playlist names all renditions",
        ok=named == expected,
        expected=", ".join(sorted(expected)),
        found=", ".join(sorted(named)),
    )


def _check_manifest(package_dir: Path, made: dict[str, _Made]) -> Iterator[Check]:
    listed = read_manifest(package_dir / MANIFEST)
    yield Check(
        "manifest names all renditions",
        ok=set(listed) == set(made),
        expected=", ".join(sorted(made)),
        found=", ".join(sorted(listed)),
    )
    for name in set(listed) & set(made):
        track = made[name]
        expected = [
            (segment[0].start, sum(fragment.duration for fragment in segment))
            for segment in track.segments
        ]
        yield Check(
            f"{name}: manifest and playlist list the same segments",
            ok=listed[name] == expected,
            expected=f"{len(expected)} segments",
            found=f"{len(listed[name])} segments",
        )
