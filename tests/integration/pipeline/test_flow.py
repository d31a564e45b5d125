"""Odd videos go in; what comes out is looked at, not what was intended."""

from pathlib import Path

import av
import m3u8
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.integration.pipeline.flow import Made, audio_times, decode_video, walk
from tests.media.clips import AAC, X264, Clips, picture, tone
from workers.pipeline.ffmpeg import Ffmpeg


def assert_sound(made: Made) -> None:
    assert made.report.failures == ()
    assert made.package.renditions
    for name in made.package.files:
        assert (made.folder / name).stat().st_size > 0


def image(frame: av.VideoFrame) -> Image.Image:
    pixels: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV's stub lacks it
    return pixels


def difference(left: Image.Image, right: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255."""
    small = (80, 80)
    both = left.convert("L").resize(small), right.convert("L").resize(small)
    return float(ImageStat.Stat(ImageChops.difference(*both)).mean[0])


async def test_an_ordinary_video_keeps_its_frames_and_its_sync(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    made = await walk(program, clips.plain(), scratch)
    assert_sound(made)
    assert made.sizes == [(640, 360), (426, 240)]
    assert made.probe.notes == ()
    top = decode_video(made.playable("360p"))
    low = decode_video(made.playable("240p"))
    assert len(top) == len(low) == 180
    assert top[0].time == low[0].time == 0
    assert [round((f.time or 0) * 30) for f in top] == list(range(180))
    assert difference(image(top[90]), image(low[90])) < 4
    start, end = audio_times(made.playable("audio"))
    assert start == 0
    assert end == pytest.approx(6, abs=0.05)


async def test_a_source_that_is_a_rendition_already_is_copied_bit_by_bit(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    source = clips.plain()
    made = await walk(program, source, scratch)
    copied = {r.name: r.copied for r in made.package.renditions}
    assert copied == {"360p": True, "240p": False, "audio": True}
    before, after = decode_video(source), decode_video(made.playable("360p"))
    assert all(
        bytes(a.planes[0]) == bytes(b.planes[0])
        for a, b in zip(before[::20], after[::20], strict=True)
    )


async def test_a_second_run_gives_the_same_bytes(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    source = clips.plain()
    first = await walk(program, source, scratch)
    before = {name: (first.folder / name).read_bytes() for name in first.package.files}
    second = await walk(program, source, scratch)
    assert second.package == first.package
    for name, data in before.items():
        assert (second.folder / name).read_bytes() == data, name


async def test_progress_rises_to_one(program: Ffmpeg, clips: Clips, scratch: Path) -> None:
    made = await walk(program, clips.plain(), scratch)
    fractions = [progress.fraction for progress in made.progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert made.progress[-1].frame >= 180


async def test_a_turned_video_stands_upright(program: Ffmpeg, clips: Clips, scratch: Path) -> None:
    base = clips.plain()
    turned = clips.make("turned.mp4", "-display_rotation", "90", "-i", str(base), "-c", "copy")
    made = await walk(program, turned, scratch)
    assert_sound(made)
    assert made.sizes == [(360, 640), (240, 426)]
    assert "rotation" in made.notes
    upright = decode_video(made.playable("360p"))[0]
    assert upright.rotation == 0
    # Turning by 90 degrees counter-clockwise is what the display matrix asks for.
    expected = image(decode_video(base)[0]).rotate(90, expand=True)
    assert difference(image(upright), expected) < 4
    assert difference(image(upright), expected.rotate(180)) > 20


async def test_portrait_counts_by_its_short_side(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    clip = clips.make("portrait.mp4", *picture("720x1280", seconds=1), *X264)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert made.sizes == [(720, 1280), (480, 854), (360, 640), (240, 426)]
    assert "no_audio" in made.notes


async def test_anamorphic_pixels_become_square(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    clip = clips.make("ana.mp4", *picture("720x576", "25", 1), "-vf", "setsar=64/45", *X264)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert made.sizes[0] == (1024, 576)
    assert "anamorphic" in made.notes
    with av.open(str(made.playable("576p"))) as container:
        assert container.streams.video[0].sample_aspect_ratio in {None, 1}


async def test_odd_sizes_become_even_and_never_grow(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    odd = ("-vf", "scale=321:241", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    made = await walk(program, clips.make("odd.mp4", *picture("400x300", "25", 1), *odd), scratch)
    assert_sound(made)
    assert made.sizes == [(320, 240)]
    assert "odd_dimensions" in made.notes


async def test_variable_frame_rate_keeps_its_times(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    uneven = "select='if(lt(t,3),not(mod(n,2)),not(mod(n,5)))'"
    clip = clips.make(
        "vfr.mp4", *picture(seconds=6), *tone(6), "-vf", uneven, "-fps_mode", "vfr", *X264, *AAC
    )
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert "variable_frame_rate" in made.notes
    before = [frame.time or 0 for frame in decode_video(clip)]
    after = [frame.time or 0 for frame in decode_video(made.playable("240p"))]
    assert after == pytest.approx(before, abs=0.001)


@pytest.mark.parametrize("rate", ["24000/1001", "30000/1001", "50"])
async def test_broadcast_rates_stay_exact(
    program: Ffmpeg, clips: Clips, scratch: Path, rate: str
) -> None:
    name = f"rate-{rate.replace('/', '_')}.mp4"
    gop = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "48")
    clip = clips.make(name, *picture("320x240", rate, 9), *gop)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    before = [frame.time for frame in decode_video(clip)]
    after = [frame.time for frame in decode_video(made.playable("240p"))]
    assert after == pytest.approx(before, abs=1e-4)


async def test_one_frame_of_fifty_milliseconds(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    made = await walk(
        program, clips.make("one.mp4", *picture("320x240", "20", 0.05), *X264), scratch
    )
    assert_sound(made)
    assert {"very_short", "single_frame"} <= made.notes
    assert len(decode_video(made.playable("240p"))) == 1
    assert {image.kind for image in made.images} == {
        *("poster", "storyboard", "storyboard_index", "thumbnail")
    }


async def test_sound_alone_is_published_with_a_drawn_poster(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    made = await walk(program, clips.make("sound.m4a", *tone(5), *AAC), scratch)
    assert_sound(made)
    assert made.sizes == []
    assert "no_video" in made.notes
    assert [image.name for image in made.images] == ["poster.jpg", "poster.webp"]
    master = m3u8.load(str(made.folder / "master.m3u8"))
    assert [p.uri for p in master.playlists] == ["audio/index.m3u8"]


async def test_a_song_with_a_cover_has_no_picture(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    cover = (
        "-map",
        "0:a",
        "-map",
        "1:v",
        "-frames:v",
        "1",
        "-c:v",
        "mjpeg",
        "-pix_fmt",
        "yuvj420p",
    )
    attach = ("-disposition:v:0", "attached_pic", "-c:a", "libmp3lame")
    clip = clips.make("song.mp3", *tone(3), *picture("320x320"), *cover, *attach)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert "no_video" in made.notes


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("film.mov", ("-c:v", "prores", "-c:a", "pcm_s16le")),
        ("film.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame")),
        (
            "film.webm",
            ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
        ),
        ("film.mkv", (*X264, "-c:a", "libvorbis")),
        ("film.flv", ("-c:v", "flv", "-ar", "44100", "-c:a", "libmp3lame")),
        ("film.wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
        ("film.m4v", (*X264, *AAC)),
        ("film.ts", (*X264, *AAC)),
    ],
)
async def test_every_accepted_format_becomes_a_stream(
    program: Ffmpeg, clips: Clips, scratch: Path, name: str, codecs: tuple[str, ...]
) -> None:
    clip = clips.make(name, *picture("320x240", seconds=5), *tone(5), *codecs)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert made.sizes == [(320, 240)]
    frames = decode_video(made.playable("240p"))
    assert abs(len(frames) - 150) <= 2
    start, end = audio_times(made.playable("audio"))
    assert abs(start) <= 0.04
    assert end == pytest.approx(5, abs=0.15)


async def test_high_dynamic_range_fails_nothing(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    pq = "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"
    ten_bit = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
    made = await walk(program, clips.make("hdr.mp4", *picture(), "-vf", pq, *ten_bit), scratch)
    assert_sound(made)
    assert "hdr" in made.notes
    assert decode_video(made.playable("360p"))[0].format.name == "yuv420p"


async def test_late_sound_and_late_picture_stay_where_they_were(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    late = ("-itsoffset", "1.5", *tone(3), "-map", "0", "-map", "1")
    made = await walk(
        program, clips.make("late-sound.mp4", *picture(seconds=5), *late, *X264, *AAC), scratch
    )
    assert_sound(made)
    start, end = audio_times(made.playable("audio"))
    assert start == 0
    assert end == pytest.approx(4.5, abs=0.05)


async def test_surround_sound_becomes_stereo(program: Ffmpeg, clips: Clips, scratch: Path) -> None:
    clip = clips.make("surround.mp4", *picture("320x240"), *tone(2), *X264, *AAC, "-ac", "6")
    made = await walk(program, clip, scratch)
    assert_sound(made)
    sound = made.package.renditions[-1]
    assert (sound.channels, sound.copied) == (2, False)


async def test_a_name_full_of_traps_is_only_a_name(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    base = clips.make("small.mp4", *picture("320x240", seconds=1), *X264)
    for name in ("-y %05d $(id);'\".mp4", "http:x,y[0]=\\|é\u202e🎬.mp4", "n" * 200 + ".mp4"):
        odd = scratch / name
        odd.write_bytes(base.read_bytes())
        (scratch / "w").mkdir(exist_ok=True)
        assert_sound(await walk(program, odd, scratch / "w"))


async def test_fast_video_is_slowed_to_sixty(program: Ffmpeg, clips: Clips, scratch: Path) -> None:
    made = await walk(
        program, clips.make("fast.mp4", *picture("320x240", "120", 2), *X264), scratch
    )
    assert_sound(made)
    assert abs(len(decode_video(made.playable("240p"))) - 120) <= 1
    assert "high_frame_rate" in made.notes


async def test_a_fragmented_source_keeps_its_rate(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    fragments = ("-c", "copy", "-movflags", "+frag_keyframe+empty_moov")
    made = await walk(
        program, clips.make("fragments.mp4", "-i", str(clips.plain()), *fragments), scratch
    )
    assert_sound(made)
    assert made.package.renditions[0].frame_rate == 30


async def test_tracks_that_are_not_published_are_left_alone(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    subtitles = scratch / "s.srt"
    subtitles.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    tracks = ("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:s", "srt")
    languages = ("-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng")
    inputs = (*picture("320x240"), *tone(2), *tone(2), "-i", str(subtitles))
    clip = clips.make("tracks.mkv", *inputs, *tracks, *X264, *AAC, *languages)
    made = await walk(program, clip, scratch)
    assert_sound(made)
    assert "several_audio_tracks" in made.notes
    assert made.package.renditions[-1].language == "deu"
