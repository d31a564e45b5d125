"""Signed links for parts, asked for in batches and again before they expire."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cli.api import Api
from app.cli.words import instant

_BATCH = 50
_RENEW_BEFORE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PartLink:
    """A request that stores one part."""

    number: int
    size: int
    method: str
    url: str
    headers: Mapping[str, str]
    expires: float

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "PartLink":
        expires = instant(item["expires_at"])
        return cls(
            item["number"],
            item["size_bytes"],
            item["method"],
            item["url"],
            item["headers"],
            expires.timestamp() if expires else 0.0,
        )


class Links:
    """Links of an upload's parts, for threads that send them in the order of `numbers`."""

    def __init__(self, api: Api, upload_id: str, numbers: Sequence[int]) -> None:
        self._api = api
        self._path = f"/v1/uploads/{upload_id}/parts"
        self._numbers = numbers
        self._place = {number: place for place, number in enumerate(numbers)}
        self._known: dict[int, PartLink] = {}
        self._lock = threading.Lock()

    def of(self, number: int) -> PartLink:
        """A link that holds for a while yet.

        Raises:
            Unreachable, Refused: the API gives none.
        """
        with self._lock:
            link = self._known.get(number)
            if link is None or link.expires - time.time() < _RENEW_BEFORE_SECONDS:
                place = self._place[number]
                wanted = self._numbers[place : place + _BATCH]
                answer = self._api.post(self._path, {"numbers": list(wanted)})
                self._known = {item["number"]: PartLink.of(item) for item in answer["items"]}
                link = self._known[number]
            return link

    def renew(self, number: int) -> None:
        """Lets go of a link that the store does not take any more."""
        with self._lock:
            self._known.pop(number, None)
