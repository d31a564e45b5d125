"""The names under which an asset's objects lie; of a client's words only a known ending is used."""

_ENDINGS = frozenset(
    {"mp4", "m4v", "mov", "avi", "webm", "mkv", "flv", "wmv", "ts", "m2ts", "mpg", "mpeg", "3gp"}
    | {"ogv", "mp3", "m4a", "wav", "ogg", "aac", "flac"}
)


def source_key(asset_id: str, filename: str) -> str:
    ending = filename.rpartition(".")[2].lower()
    return f"videos/{asset_id}.{ending if ending in _ENDINGS else 'bin'}"


def asset_of_source(key: str) -> str:
    """The asset's id in a key of `source_key`."""
    return key.removeprefix("videos/").partition(".")[0]


def metadata_key(asset_id: str) -> str:
    return f"metadata/{asset_id}.json"


def derived_prefixes(asset_id: str) -> tuple[str, ...]:
    """Under these lies all that was made of the source, by whichever attempt."""
    return (f"renditions/{asset_id}/", f"images/{asset_id}/")
