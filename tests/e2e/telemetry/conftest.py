"""Spool as processes whose spans and logs are looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system.stack import Stack
from tests.media.clips import AAC, X264, Clips, picture, tone
from tests.servers.otlp import Collector, collector
from workers.pipeline.ffmpeg import find_ffmpeg


@pytest.fixture
def receiver() -> Iterator[Collector]:
    with collector() as taken:
        yield taken


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, migrated; a test starts what it wants with the settings that it wants."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.up(api=False)
        yield stack
    finally:
        stack.down()


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    yield running
    running.stop_all()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, in one part."""
    clips = Clips(find_ffmpeg(), tmp_path_factory.mktemp("clips"))
    return clips.make("small.mp4", *picture("640x360"), *tone(), *X264, *AAC)
