import errno
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.storage.errors import InvalidKey, OutOfSpace, StoreUnavailable
from app.foundation.storage.files import store_errors
from app.foundation.storage.keys import validate_key, validate_prefix


@pytest.mark.parametrize("key", ["a", "a/b.mp4", "ast_1/att 2/ü.m4s", "a..b", "a" * 255, "日本/語"])
def test_keys(key: str) -> None:
    assert validate_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "a/./b",
        ".hidden",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a\\b",
        "a\u202eb",
        "\ud800",
        "a" * 256,
        "/".join(["abc"] * 257),
    ],
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(InvalidKey):
        validate_key(key)


@given(key=st.text(st.characters() | st.sampled_from("./\\\0"), max_size=30))
def test_a_key_stays_below_its_root(key: str) -> None:
    try:
        validate_key(key)
    except InvalidKey:
        return
    path = PurePosixPath("/root") / key
    assert path.is_relative_to("/root")
    assert ".." not in path.parts
    assert path.relative_to("/root").as_posix() == key


def test_a_prefix_may_be_empty_or_end_anywhere() -> None:
    for prefix in ("", "a", "a/", "a/b"):
        assert validate_prefix(prefix) == prefix
    for prefix in ("/", "../", "a//", ".."):
        with pytest.raises(InvalidKey):
            validate_prefix(prefix)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, OutOfSpace),
        (errno.EDQUOT, OutOfSpace),
        (errno.EIO, StoreUnavailable),
        (errno.EROFS, StoreUnavailable),
        (errno.ENOTDIR, InvalidKey),
    ],
)
def test_the_systems_errors_become_the_stores(number: int, error: type[Exception]) -> None:
    with pytest.raises(error), store_errors():
        raise OSError(number, "what the system says")


def test_a_full_device_is_told_from_a_broken_one() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OutOfSpace), store_errors(), full.open("wb", buffering=0) as device:
        device.write(b"x")
