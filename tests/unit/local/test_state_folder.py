import json
import stat
from pathlib import Path

import pytest

from app.local.state_folder import AlreadyRunning, StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    folder.create()
    return folder


def test_nobody_else_reads_it(folder: StateFolder) -> None:
    folder.signing_keys()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.path / "signing.json").stat().st_mode) == 0o600


def test_signing_keys_stay(folder: StateFolder) -> None:
    keys, current = folder.signing_keys()
    assert len(keys[current]) >= 32
    assert StateFolder(folder.path).signing_keys() == (keys, current)


def test_one_at_a_time_and_the_second_is_told_where(folder: StateFolder) -> None:
    with folder.locked():
        folder.announce("http://127.0.0.1:8123")
        with pytest.raises(AlreadyRunning) as caught, StateFolder(folder.path).locked():
            pass
        assert caught.value.url == "http://127.0.0.1:8123"
        assert caught.value.pid is not None
    assert folder.running() is None
    with folder.locked():
        pass


def test_what_a_killed_process_announced_is_taken_back(folder: StateFolder) -> None:
    (folder.path / "running.json").write_text(json.dumps({"pid": 1, "url": "http://gone"}))
    with folder.locked():
        assert folder.running() is None
