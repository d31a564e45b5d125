"""Which images a stack runs, and moving them between stacks and times. Pure."""

import re
from collections.abc import Mapping, Sequence

IMAGE_KEYS: Sequence[str] = ("apiImage", "workerImage", "consoleImage")
_BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")

Images = Mapping[str, str]


def images_in(config: Mapping[str, str]) -> dict[str, str]:
    """The image keys that a configuration sets, by bare key; `config` is by `spool:` key."""
    return {key: config[f"spool:{key}"] for key in IMAGE_KEYS if config.get(f"spool:{key}")}


def unpinned(images: Images) -> list[str]:
    """Those that are named by a tag."""
    return [image for image in images.values() if not _BY_DIGEST.search(image)]


def previous(history: Sequence[tuple[str, Images]], current: Images) -> Images | None:
    """The images of the newest update that succeeded with other ones than now.

    Args:
        history: Result and images of every update, the newest first.
    """
    for result, images in history:
        if result == "succeeded" and images and images != current:
            return images
    return None
