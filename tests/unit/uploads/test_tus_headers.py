"""Headers of tus: what they mean, and what is wrong with them."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.errors import BadRequest, Invalid
from app.playback.models import PlaybackPolicy
from app.uploads.tus_headers import (
    announced_by,
    parse_checksum,
    parse_metadata,
    parse_number,
    parse_partials,
)

KEYS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1
)


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


@given(st.dictionaries(KEYS, st.text(max_size=50), max_size=5))
def test_metadata_come_back_as_they_were_sent(metadata: dict[str, str]) -> None:
    header = ",".join(f"{key} {encoded(value)}" for key, value in metadata.items())
    assert parse_metadata(header) == metadata


def test_a_value_may_be_left_out() -> None:
    assert parse_metadata("is_confidential,filename d29ybGQ=") == {
        "is_confidential": "",
        "filename": "world",
    }


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("filename !!!", "filename"),
        ("filename d29y bGQ=", "filename"),
        ("a YQ==,a YQ==", "twice"),
        ("a YQ==,,b YQ==", "no key"),
        (f"title {base64.b64encode(bytes([0xFF])).decode()}", "title"),
        ("ä YQ==", "no key"),
        ("a " + "YQ==" * 5000, "bytes"),
    ],
)
def test_metadata_that_cannot_be_read_are_refused(header: str, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        parse_metadata(header)


def test_what_a_file_is_announced_as() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    file = announced_by(
        {
            "filename": "film.mov",
            "filetype": "video/quicktime",
            "title": "Night",
            "policy": "signed",
            "sha256": digest.upper(),
            "relativePath": "a/b",
        },
        7,
    )
    assert (file.filename, file.content_type, file.title) == (
        "film.mov",
        "video/quicktime",
        "Night",
    )
    assert (file.policy, file.size_bytes) == (PlaybackPolicy.SIGNED, 7)
    assert file.sha256 == digest.upper()


@pytest.mark.parametrize(
    "metadata",
    [{"filetype": "film"}, {"policy": "secret"}, {"sha256": "abc"}, {"title": "x" * 201}],
)
def test_a_value_that_does_not_fit_is_named(metadata: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=next(iter(metadata))):
        announced_by(metadata, 1)


@pytest.mark.parametrize("value", ["-1", "1.5", "", " 1", "1e3", "9" * 20, "٣"])
def test_a_number_is_digits(value: str) -> None:
    with pytest.raises(BadRequest):
        parse_number("Upload-Offset", value)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_checksum_is_that_of_its_algorithm(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"film").digest()
    parsed = parse_checksum(f"{algorithm} {base64.b64encode(digest).decode()}")
    assert parsed is not None
    running = parsed.hasher()
    running.update(b"film")
    assert running.digest() == parsed.digest


@pytest.mark.parametrize(
    "header", ["sha512 YQ==", "sha1", "sha1 YQ==", "sha1 !", "sha1 YQ==,md5 YQ=="]
)
def test_a_checksum_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        parse_checksum(header)


def test_partial_uploads_are_named_by_path_or_address() -> None:
    header = "final;/v1/tus/upl_1 https://spool.test/v1/tus/upl_2/"
    assert parse_partials(header) == ["upl_1", "upl_2"]


@pytest.mark.parametrize(
    "header",
    [
        "final;",
        "final;/v1/uploads/upl_1",
        "final;/v1/tus/upl_1 /v1/tus/upl_1",
        "final;/v1/tus/upl_1/../x",
        "final;" + " ".join(f"/v1/tus/upl_{n}" for n in range(1001)),
    ],
)
def test_other_addresses_are_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        parse_partials(header)
