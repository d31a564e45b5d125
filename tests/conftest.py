"""What most tests need: a real PostgreSQL with fresh, migrated databases, and settings."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from app.accounts.models import Organisation, Project
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id, random_id
from app.local.postgres import LocalPostgres
from app.settings import Settings
from migrations.run import upgrade
from tests.servers.elasticmq import elasticmq
from tests.servers.moto import moto_server
from tests.servers.versitygw import ObjectServer, versitygw

_TEMPLATE = "spool_template"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The sizes of R3, R5 and R8; see docs/reliability.md."""
    parser.addoption("--shuffled", type=int, default=60, help="tasks with up to five messages")
    parser.addoption("--messages", type=int, default=400, help="tasks that SQS rings for")
    parser.addoption("--queue-down", type=float, default=3, help="seconds that SQS is down")
    parser.addoption("--pairs", type=int, default=1, help="runs with poison and without")


def pytest_configure() -> None:
    """A run in the background of a shell ignores Ctrl-C, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """What a laptop lacks may skip; in CI it has to be there."""
    if os.environ.get("CI") and call.excinfo and call.excinfo.errisinstance(pytest.skip.Exception):
        pytest.fail(f"{item.nodeid} would skip in CI: {call.excinfo.value}", pytrace=False)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPostgres]:
    server = LocalPostgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    try:
        run_sql(server, f"CREATE DATABASE {_TEMPLATE} OWNER spool_owner")
        upgrade(database_of(server.owner_url, _TEMPLATE), app_login="spool_login")
        yield server
    finally:
        server.destroy()


@pytest.fixture
def database_name(postgres: LocalPostgres) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{random_id(10)}"
    run_sql(postgres, f"CREATE DATABASE {name} OWNER spool_owner TEMPLATE {_TEMPLATE}")
    yield name
    run_sql(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres: LocalPostgres, database_name: str) -> str:
    """URL of the app's login, which owns nothing."""
    return database_of(postgres.app_url, database_name)


@pytest.fixture
def owner_url(postgres: LocalPostgres, database_name: str) -> str:
    return database_of(postgres.owner_url, database_name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=5)
    yield opened
    await opened.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(database_url, tmp_path)


def make_settings(database_url: str, folder: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "database_url": database_url,
        "signing_keys": {"test": "a key for tests only, long enough to be one"},
        "signing_key_id": "test",
        "store_root": folder / "store",
        "scratch_root": folder / "scratch",
        "lease_seconds": 5,
        "reconcile_seconds": 0.2,
    }
    return Settings.model_validate(values | changes)


def database_of(url: str, name: str) -> str:
    """The same server and login, another database."""
    return f"{url.rsplit('/', 1)[0]}/{name}"


def run_sql(server: LocalPostgres, statement: str) -> None:
    """As the superuser."""

    async def run() -> None:
        url = server.admin_url().replace("postgresql+asyncpg", "postgresql")
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server that speaks Kinesis, SNS, SQS and SES; name what you make there uniquely."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """One server that speaks S3, for `aws_credentials`; name the buckets you make uniquely."""
    with versitygw(
        tmp_path_factory.mktemp("versitygw"),
        access_key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        secret_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    ) as server:
        yield server


@pytest.fixture(scope="session")
def elasticmq_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server that speaks SQS; name what you make there uniquely."""
    with elasticmq(tmp_path_factory.mktemp("elasticmq")) as url:
        yield url


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, where boto3 looks for them; child processes inherit them."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def project_id(database: Database) -> str:
    """A project, without anybody in it."""
    return await add_project(database)


async def add_project(database: Database, name: str = "Test") -> str:
    organisation, project = new_id("org"), new_id("prj")
    async with database.gate() as gate:
        gate.add(Organisation(id=organisation, name=name))
        await gate.flush()
        gate.add(Project(id=project, organisation_id=organisation, name=name))
    return project
