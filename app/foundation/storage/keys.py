"""Which names can be keys: what a folder, S3 and a URL all take unharmed."""

from app.foundation.storage.errors import InvalidKey

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255


def validate_key(key: str) -> str:
    """The key itself.

    A key is segments parted by `/`. No segment is empty, begins with a dot (which rules out
    `..`, and leaves dotted names to the stores' own use) or exceeds 255 bytes of UTF-8, what a
    file's name may have. No control characters, no backslash, at most 1024 bytes in all.

    Raises:
        InvalidKey: with what is wrong with it.
    """
    _validate_text(key)
    for segment in key.split("/"):
        if not segment:
            raise InvalidKey(f"{key!r} has an empty segment")
        if segment.startswith("."):
            raise InvalidKey(f"{key!r} has a segment that begins with a dot")
        if len(segment.encode()) > MAX_SEGMENT_BYTES:
            raise InvalidKey(f"a segment of the key exceeds {MAX_SEGMENT_BYTES} bytes")
    return key


def validate_prefix(prefix: str) -> str:
    """The prefix itself: empty, or the beginning of a key, which may end within a segment.

    Raises:
        InvalidKey: no key begins like this.
    """
    if prefix:
        validate_key(prefix.removesuffix("/"))
    return prefix


def _validate_text(key: str) -> None:
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKey("the key has a lone surrogate") from error
    if len(encoded) > MAX_KEY_BYTES:
        raise InvalidKey(f"the key exceeds {MAX_KEY_BYTES} bytes")
    if "\\" in key or not key.isprintable():
        raise InvalidKey(f"{key!r} has a character that no key may have")
