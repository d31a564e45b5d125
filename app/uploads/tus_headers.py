"""The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload), read and no more."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from app.assets.schemas import Title
from app.foundation.errors import BadRequest, Invalid
from app.playback.models import PlaybackPolicy
from app.uploads.schemas import DEFAULT_MEDIA_TYPE, MediaType, Sha256
from app.uploads.service import Announced

if TYPE_CHECKING:
    from hashlib import _Hash

VERSION = "1.0.0"
EXTENSIONS = (
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,"
    "concatenation"
)
CHUNK_TYPE = "application/offset+octet-stream"
# In the order of preference; the protocol asks for sha1.
CHECKSUMS = ("sha1", "sha256", "md5")
PATH = "/v1/tus"

_MAX_METADATA_BYTES = 16 * 1024
_MAX_PARTIALS = 1000
_DEFAULT_FILENAME = "video"
_NUMBER = re.compile(r"[0-9]{1,19}")
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_PARTIAL_PATH = re.compile(rf"{re.escape(PATH)}/(upl_[0-9a-z]+)")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a PATCH must have, as Upload-Checksum says."""

    algorithm: str
    digest: bytes

    def hasher(self) -> "_Hash":
        # MD5 and SHA-1 find what a bad line did to the bytes; nobody is kept out by them.
        return hashlib.new(self.algorithm, usedforsecurity=False)


def parse_number(name: str, value: str | None) -> int | None:
    """A length or an offset; None where the header is missing.

    Raises:
        BadRequest: bad_request.
    """
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise BadRequest("bad_request", f"{name} has to be a number of bytes, in digits.")
    return int(value)


def parse_metadata(header: str) -> dict[str, str]:
    """Pairs of a key and a value in base64, between commas.

    Raises:
        Invalid: validation_failed; it names the key.
    """
    if len(header) > _MAX_METADATA_BYTES:
        raise _bad_metadata(f"it has more than {_MAX_METADATA_BYTES} bytes")
    found: dict[str, str] = {}
    if not header.strip():
        return found
    for pair in header.split(","):
        key, _, encoded = pair.strip().partition(" ")
        if not _KEY.fullmatch(key):
            raise _bad_metadata(f"{key!r} is no key: printable ASCII without spaces and commas")
        if key in found:
            raise _bad_metadata(f"the key {key} is there twice")
        try:
            found[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeError) as error:
            raise _bad_metadata(f"the value of {key} is not UTF-8 in base64") from error
    return found


def announced_by(metadata: Mapping[str, str], length: int | None) -> Announced:
    """The file that the metadata speak of: filename, filetype, title, policy and sha256.

    Other keys are the client's own and are only given back.

    Raises:
        Invalid: validation_failed.
    """
    return Announced(
        filename=(metadata.get("filename") or metadata.get("name") or _DEFAULT_FILENAME)[:1024],
        size_bytes=length,
        content_type=_fitting(
            metadata, "filetype", MediaType, "a media type such as video/mp4", DEFAULT_MEDIA_TYPE
        ),
        title=_fitting(metadata, "title", Title, "of at most 200 characters", None),
        sha256=_fitting(metadata, "sha256", Sha256, "64 hexadecimal digits", None),
        policy=_fitting(
            metadata, "policy", PlaybackPolicy, "public or signed", PlaybackPolicy.PUBLIC
        ),
    )


def _fitting(metadata: Mapping[str, str], key: str, kind: Any, what: str, default: Any) -> Any:
    """The value as its type; the default where the key is missing or has no value."""
    if not (value := metadata.get(key)):
        return default
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _bad_metadata(f"{key} has to be {what}") from error


def _bad_metadata(what: str) -> Invalid:
    return Invalid("validation_failed", f"Upload-Metadata: {what}.")


def parse_checksum(header: str | None) -> Checksum | None:
    """Algorithm and digest in base64.

    Raises:
        BadRequest: bad_request; unknown algorithm, or not a digest of it.
    """
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if algorithm not in CHECKSUMS:
        raise BadRequest(
            "bad_request", f"Upload-Checksum takes {', '.join(CHECKSUMS)}, not {algorithm!r}."
        )
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("bad_request", "The digest of Upload-Checksum is not base64.") from error
    checksum = Checksum(algorithm, digest)
    if len(digest) != checksum.hasher().digest_size:
        raise BadRequest("bad_request", f"Upload-Checksum has no digest of {algorithm}.")
    return checksum


def parse_partials(header: str) -> list[str]:
    """Ids of the uploads that `Upload-Concat: final;…` names, in order.

    Raises:
        BadRequest: bad_request; none, or one that is not an address of ours.
    """
    ids = []
    for address in header.split(";", 1)[1].split():
        found = _PARTIAL_PATH.fullmatch(urlsplit(address).path.rstrip("/"))
        if found is None:
            raise BadRequest("bad_request", f"Upload-Concat: {address!r} is no upload of {PATH}.")
        ids.append(found[1])
    if not 1 <= len(ids) <= _MAX_PARTIALS:
        raise BadRequest("bad_request", f"Upload-Concat joins 1 to {_MAX_PARTIALS} uploads.")
    if len(set(ids)) < len(ids):
        raise BadRequest("bad_request", "Upload-Concat names an upload twice.")
    return ids
