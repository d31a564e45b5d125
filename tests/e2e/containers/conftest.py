"""Images, built from this source, and Spool running from them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CREDENTIALS
from tests.e2e.cloud.conftest import cloud, receiver  # noqa: F401  # fixtures, found here by name
from tests.e2e.containers.container_stack import ContainerStack
from tests.e2e.containers.engine import Engine, require_tools
from tests.e2e.system.conftest import (  # noqa: F401  # the same fixtures, found here by name
    client,
    clips,
    credentials,
    long,
    pytest_runtest_makereport,
    small,
)
from tests.e2e.system.stack import WORKER


@pytest.fixture(scope="session")
def engine() -> Engine:
    require_tools()
    engine = Engine(Path.home() / ".cache" / "spool" / "containers")
    engine.remove_what_others_left()
    return engine


@pytest.fixture(scope="session")
def running(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    cloud: dict[str, object],  # noqa: F811  # the fixture of that name
) -> Iterator[ContainerStack]:
    """With the cloud's side of the seams: what containers are for."""
    stack = ContainerStack(tmp_path_factory.mktemp("containers"), engine, CREDENTIALS, **cloud)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture
async def stack(running: ContainerStack) -> ContainerStack:
    """PostgreSQL, the API and one worker, ready."""
    await running.revive(WORKER)
    return running
