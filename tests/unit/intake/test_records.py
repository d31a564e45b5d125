import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.records import MAX_DATA_BYTES, Begin, Data, End, Unreadable, decode, encode


@pytest.mark.parametrize(
    "record",
    [
        Begin("a.mp4", "video/mp4"),
        Begin("ä b.mov", "video/quicktime", size=5, sha256="ab" * 32),
        Data(1, b"\x00\xff"),
        End(2, 2, "AB" * 32),
    ],
)
def test_what_is_encoded_is_decoded(record: Begin | Data | End) -> None:
    assert decode("stream-1", encode(record)) == record


def test_the_largest_record_fits_into_kinesis() -> None:
    record = encode(Data(2**53, bytes(MAX_DATA_BYTES)))
    assert len(record) + len("s" * 128) <= 1024 * 1024


def test_the_bytes_are_those_of_the_documentation() -> None:
    assert encode(Data(1, b"abc")) == (b"SP\x01\x83\xa4kind\xa4data\xa3seq\x01\xa4data\xc4\x03abc")


@pytest.mark.parametrize(
    ("key", "data", "why"),
    [
        ("../x", encode(Data(1, b"x")), "partition key"),
        ("", encode(Data(1, b"x")), "partition key"),
        ("s", b"", "does not begin"),
        ("s", b"\x00\x00\x00\x05Kinesis aggregate", "does not begin"),
        ("s", b"SP", "version is missing"),
        ("s", b"SP\x02" + encode(Data(1, b"x"))[3:], "version is 02"),
        ("s", b"SP\x01", "truncated"),
        ("s", encode(Data(1, b"x")) + b"x", "trailing"),
        ("s", b"SP\x01" + msgspec.msgpack.encode({"kind": "data", "seq": 0, "data": b"x"}), ">= 1"),
        (
            "s",
            b"SP\x01" + msgspec.msgpack.encode({"kind": "data", "seq": 1, "data": b""}),
            "length",
        ),
        ("s", b"SP\x01" + msgspec.msgpack.encode({"kind": "later", "seq": 1}), "later"),
        ("s", b"SP\x01" + msgspec.msgpack.encode({"kind": "end", "seq": 1}), "missing"),
        (
            "s",
            b"SP\x01" + msgspec.msgpack.encode({"kind": "data", "seq": 1, "data": b"x", "z": 1}),
            "unknown",
        ),
        ("s", b"SP\x01" + b"\x91" * 100_000, ""),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(key: str, data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=f"(?i){why}"):
        decode(key, data)


@given(st.binary(max_size=200))
def test_noise_is_refused_and_breaks_nothing(noise: bytes) -> None:
    for data in (noise, b"SP\x01" + noise):
        try:
            decode("s", data)
        except Unreadable:
            continue
