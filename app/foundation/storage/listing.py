"""The files below a folder in the order of their keys. Everything here blocks."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(root: Path, prefix: str) -> Iterator[Path]:
    """The files below `root` whose key begins with `prefix`, in the order of the keys' UTF-8.

    Files that come or go meanwhile are shown or not.
    """
    folder, _, rest = prefix.rpartition("/")
    yield from _walk(root / folder, rest)


def _walk(folder: Path, beginning: str) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [
                (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name, entry)
                for entry in entries
                if entry.name.startswith(beginning)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return
    # With its slash a folder sorts as its keys do: `a-b` comes before `a/b`.
    for name, entry in sorted(found, key=lambda item: item[0]):
        if name.endswith("/"):
            yield from _walk(Path(entry.path), "")
        else:
            yield Path(entry.path)
