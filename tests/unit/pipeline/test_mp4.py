import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.boxes import Mp4Error, children, top_level
from workers.pipeline.mp4 import read_track
from workers.pipeline.track_header import read_header


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def test_boxes_in_a_row_with_all_three_ways_to_tell_a_size() -> None:
    data = (
        box(b"ftyp", b"isom")
        + struct.pack(">I4sQ", 1, b"free", 20)
        + b"abcd"
        + struct.pack(">I4s", 0, b"mdat")
        + b"rest"
    )
    found = [(b.kind, b.body, b.end) for b in top_level(io.BytesIO(data), len(data))]
    assert found == [("ftyp", 8, 12), ("free", 28, 32), ("mdat", 40, 44)]


def test_a_box_may_reach_beyond_the_file_and_says_so() -> None:
    data = struct.pack(">I4s", 1000, b"mdat")
    (found,) = top_level(io.BytesIO(data), len(data))
    assert found.end == 1000


def test_a_child_must_lie_within_its_parent() -> None:
    data = box(b"moov", struct.pack(">I4s", 500, b"trak"))
    with pytest.raises(Mp4Error):
        list(children(data, 8, len(data)))


@given(st.binary(max_size=400))
def test_noise_has_boxes_that_end_or_none(data: bytes) -> None:
    for found in top_level(io.BytesIO(data), len(data)):
        assert found.start < found.body <= found.end


@given(st.lists(st.tuples(st.sampled_from([b"moov", b"trak", b"moof", b"mdat"]), st.binary())))
def test_noise_in_boxes_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[bytes, bytes]]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "noise.mp4"
    path.write_bytes(b"".join(box(kind, body) for kind, body in boxes))
    with pytest.raises(Mp4Error):
        read_track(path)


@given(st.binary(max_size=200))
def test_noise_for_an_index_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(Mp4Error):
        read_header(data)
