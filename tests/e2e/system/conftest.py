"""Spool as processes that tests end as they like, and somebody who uses it."""

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import CREDENTIALS
from tests.e2e.system.client import Client
from tests.e2e.system.stack import API, POSTGRES, WORKER, Stack
from tests.media.clips import AAC, X264, Clips, picture, tone
from workers.pipeline.ffmpeg import find_ffmpeg

ROUNDS = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=ROUNDS, help="random moments per fault")
    parser.addoption("--mib", type=int, default=1024, help="size of the large upload")
    parser.addoption("--seed", type=int, help="one moment only, to see it again")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        # The options are not there when these tests are not what pytest was asked for.
        seed = metafunc.config.getoption("seed", None)
        rounds = metafunc.config.getoption("rounds", ROUNDS)
        drawn = [random.randrange(10**6) for _ in range(rounds)]  # noqa: S311  # for moments
        seeds = drawn if seed is None else [seed]
        metafunc.parametrize("seed", seeds, ids=[f"seed={each}" for each in seeds])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Shows the logs of all processes beside a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's Result
    stack = getattr(item, "funcargs", {}).get("running")
    if report.failed and isinstance(stack, Stack):
        for name, text in stack.logs().items():
            report.sections.append((f"end of {name}", text))


@pytest.fixture(scope="session")
def credentials() -> Iterator[None]:
    """Where boto3 looks for them, in this process and in those of the stack."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture
async def stack(running: Stack) -> AsyncIterator[Stack]:
    """PostgreSQL, the API and one worker, ready."""
    running.thaw(WORKER)
    await running.revive(WORKER)
    yield running
    for name in running.running():
        if name not in {POSTGRES, API, WORKER}:
            running.stop(name)


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with await Client.register(stack.url) as registered:
        yield registered


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(find_ffmpeg(), tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def small(clips: Clips) -> Path:
    """Two seconds: ready almost at once."""
    return clips.make("small.mp4", *picture("320x180"), *tone(), *X264, *AAC)


@pytest.fixture(scope="session")
def long(clips: Clips) -> Path:
    """Something to encode for some seconds, in more parts than one."""
    noisy = ("-vf", "noise=alls=20:allf=t", "-b:v", "9M")
    return clips.make("long.mp4", *picture("640x360", seconds=8), *tone(8), *X264, *noisy, *AAC)


@pytest.fixture(scope="session")
def longer(clips: Clips) -> Path:
    """Ten seconds to encode and more, for what has to happen meanwhile."""
    arguments = (*picture("1280x720", seconds=12), *tone(12), *X264, *AAC)
    return clips.make("longer.mp4", *arguments, "-vf", "noise=alls=10:allf=t")
