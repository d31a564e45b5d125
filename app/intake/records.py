"""The records of a video in a Kinesis data stream; docs/streams.md is for those who send them.

A record is two bytes `SP`, one byte with the version, and a MessagePack map whose `kind` says which
of the three below it is. The partition key is the stream's id, so that Kinesis keeps a stream's
records in one shard and in order.
"""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VERSION = 1
# Of one record, partition key and data together (Kinesis' own limit).
MAX_RECORD_BYTES = 1024 * 1024
# Room for the head of a record, the map and a partition key.
MAX_DATA_BYTES = MAX_RECORD_BYTES - 1024
_HEAD = b"SP" + bytes([VERSION])
_STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Size = Annotated[int, Meta(ge=0, le=2**62)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{64}\Z")]


class Begin(msgspec.Struct, frozen=True, tag_field="kind", tag="begin", forbid_unknown_fields=True):
    """The first record of a stream."""

    filename: Annotated[str, Meta(min_length=1, max_length=1024)]
    content_type: Annotated[str, Meta(max_length=255, pattern=r"^[\w!#$&^.+-]+/[\w!#$&^.+-]+\Z")]
    size: Size | None = None
    sha256: Sha256 | None = None
    seq: Literal[0] = 0


class Data(msgspec.Struct, frozen=True, tag_field="kind", tag="data", forbid_unknown_fields=True):
    """Some of the file's bytes."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    data: Annotated[bytes, Meta(min_length=1)]


class End(msgspec.Struct, frozen=True, tag_field="kind", tag="end", forbid_unknown_fields=True):
    """The last record: what all the data together has to be."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    size: Size
    sha256: Sha256


Record = Begin | Data | End
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


class Unreadable(Exception):
    """A record that is none of ours, or broken; the message says how."""


def encode(record: Record) -> bytes:
    return _HEAD + _encoder.encode(record)


def decode(partition_key: str, data: bytes) -> Record:
    """The record, read strictly: what it should not have is refused, too.

    Raises:
        Unreadable: as it says.
    """
    if not _STREAM_ID.fullmatch(partition_key):
        raise Unreadable("the partition key cannot be a stream's id")
    if data[:2] != _HEAD[:2]:
        raise Unreadable("it does not begin as our records do")
    if data[2:3] != _HEAD[2:]:
        raise Unreadable(f"its version is {data[2:3].hex() or 'missing'}, ours is {VERSION:02}")
    try:
        # A view: the data of a record is copied once, not twice.
        return _decoder.decode(memoryview(data)[3:])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
