from pathlib import Path

import pytest

from tests.media.clips import Clips
from workers.pipeline.ffmpeg import Ffmpeg, find_ffmpeg
from workers.pipeline.limits import Limits


@pytest.fixture(scope="session")
def program() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture(scope="session")
def clips(program: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(program, tmp_path_factory.mktemp("clips"))


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder
