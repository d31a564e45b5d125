from pathlib import Path

import pytest

from app.cli.config import DEFAULT_SERVER, Config
from app.local.state_folder import StateFolder, write_private


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "project" / ".spool")
    folder.create()
    write_private(folder.account, {"api_key": "spool_local"})
    return folder


def test_the_state_folder_is_found_from_a_folder_below(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = folder.path.parent / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Config(None, None, None, None).folder.path == folder.path


def test_the_running_spool_is_the_server(folder: StateFolder) -> None:
    config = Config(None, None, folder.path, None)
    assert config.server_url == DEFAULT_SERVER
    folder.announce("http://127.0.0.1:8123")
    assert config.server_url == "http://127.0.0.1:8123"
    assert config.key == "spool_local"


def test_the_local_key_is_not_sent_to_another_server(folder: StateFolder) -> None:
    elsewhere = Config("https://spool.example.org/", None, folder.path, None)
    assert elsewhere.server_url == "https://spool.example.org"
    assert elsewhere.key is None
    assert Config("https://spool.example.org", "spool_theirs", folder.path, None).key == (
        "spool_theirs"
    )


def test_uploads_are_remembered_in_the_state_folder_or_else_with_the_user(
    folder: StateFolder, tmp_path: Path
) -> None:
    assert Config(None, None, folder.path, tmp_path).uploads == folder.uploads
    missing = tmp_path / "nowhere"
    assert Config(None, None, missing, tmp_path).uploads == tmp_path / "spool" / "uploads"
    assert not missing.exists()
