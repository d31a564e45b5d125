import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.cli.api import Api
from app.cli.errors import CommandFailed, Refused, Unreachable
from app.cli.transfer import AT_ONCE, Transfer
from tests.unit.cli.conftest import Answer, Received, Server

PART = 3 * 1024 * 1024 // 2
SIZE = 7 * PART + 12_345
COUNT = 8


class Store:
    """The parts of one upload, as the scripted server keeps them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.parts: dict[int, bytes] = {}
        self.tries: Counter[int] = Counter()
        self.fail: dict[int, list[Answer]] = {}
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        server.answer = self.answer

    def answer(self, request: Received) -> Answer:
        if request.method == "POST":
            return 200, {"items": [self._link(number) for number in request.json()["numbers"]]}
        number = int(request.path.rpartition("/")[2])
        with self._lock:
            self.tries[number] += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0)
        with self._lock:
            self.at_once -= 1
            if self.fail.get(number):
                return self.fail[number].pop(0)
            self.parts[number] = request.body
        return 200, {}

    def _link(self, number: int) -> dict[str, object]:
        return {
            "number": number,
            "size_bytes": min(PART, SIZE - (number - 1) * PART),
            "method": "PUT",
            "url": f"{self.server.url}/store/{number}",
            "headers": {"X-Signed": "yes"},
            "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        }


@pytest.fixture
def store(server: Server) -> Store:
    return Store(server)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


def send(store: Store, file: Path, numbers: list[int], *, patience: float = 5.0) -> int:
    gone = 0

    def sent(count: int) -> None:
        nonlocal gone
        gone += count

    with Api(store.server.url, "key") as api:
        Transfer(api, "upl_1", file, PART, patience=patience, sent=sent).send(numbers)
    return gone


def test_all_parts_arrive_as_they_are_in_the_file(store: Store, file: Path) -> None:
    assert send(store, file, list(range(1, COUNT + 1))) == SIZE
    assert b"".join(store.parts[number] for number in range(1, COUNT + 1)) == file.read_bytes()
    assert set(store.tries.values()) == {1}
    assert 1 <= store.most_at_once <= AT_ONCE


def test_only_what_is_asked_for_is_sent(store: Store, file: Path) -> None:
    assert send(store, file, [2, 8]) == PART + 12_345
    assert set(store.parts) == {2, 8}
    puts = [each for each in store.server.received if each.method == "PUT"]
    assert all(put.headers["X-Signed"] == "yes" for put in puts)
    assert not any("Authorization" in put.headers for put in puts)


def test_a_part_that_fails_in_passing_is_sent_again(store: Store, file: Path) -> None:
    store.fail = {3: [(503, {}), (500, {})]}
    assert send(store, file, list(range(1, COUNT + 1))) == SIZE
    assert store.tries[3] == 3


def test_an_expired_link_is_renewed(store: Store, file: Path) -> None:
    store.fail = {4: [(403, {"code": "signature_expired"})]}
    send(store, file, list(range(1, COUNT + 1)))
    assert store.parts[4] == file.read_bytes()[3 * PART : 4 * PART]
    assert len(store.server.paths("POST")) == 2


def test_what_the_store_refuses_for_good_ends_the_transfer(store: Store, file: Path) -> None:
    store.fail = {1: [(403, {"code": "signature_invalid", "title": "The link is not valid"})]}
    with pytest.raises(Refused, match="The link is not valid"):
        send(store, file, list(range(1, COUNT + 1)))
    assert store.tries[1] == 1


def test_patience_has_an_end(file: Path) -> None:
    with Api("http://127.0.0.1:9", "key") as api, pytest.raises(Unreachable):
        Transfer(api, "upl_1", file, PART, patience=0.3, sent=lambda _: None).send([1])


def test_a_file_that_shrinks_is_noticed(store: Store, file: Path) -> None:
    os.truncate(file, PART)
    with pytest.raises(CommandFailed, match="shorter"):
        send(store, file, list(range(1, COUNT + 1)))
