"""A data stream on a real server, consumers as processes, and what becomes of what is sent."""

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select

from app.foundation.aws import make_client
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.foundation.storage.folder import FolderStore
from app.intake.models import IngestStream, StreamShard, StreamState
from app.intake.producer import Producer
from app.seams import make_folder_store
from app.settings import Settings
from app.uploads.models import Upload
from app.uploads.service import cancel_upload
from tests.conftest import make_settings
from tests.e2e.system.stack import environment_of, until
from tests.ports import unused_port

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

KIB = 1024
MIB = 1024 * KIB
_STOP_SECONDS = 25.0


@pytest.fixture
def kinesis_url(moto_url: str) -> str:
    """Of a server that speaks Kinesis."""
    return moto_url


@pytest.fixture
def intake_settings(
    database_url: str, tmp_path: Path, kinesis_url: str, project_id: str, aws_credentials: None
) -> Settings:
    return make_settings(
        database_url,
        tmp_path,
        lease_seconds=2,
        kinesis_stream=f"video-{random_id(8)}",
        kinesis_project_id=project_id,
        kinesis_endpoint_url=kinesis_url,
        kinesis_poll_seconds=0.1,
        kinesis_flush_seconds=0.3,
        kinesis_gap_seconds=1.0,
    )


@pytest.fixture
def shards() -> int:
    """How many the data stream has."""
    return 2


@pytest.fixture
def kinesis(intake_settings: Settings, kinesis_url: str, shards: int) -> Iterator["KinesisClient"]:
    """A client, and a data stream under the settings' name."""
    client: KinesisClient = make_client(intake_settings, "kinesis", endpoint_url=kinesis_url)
    name = intake_settings.kinesis_stream or ""
    client.create_stream(StreamName=name, ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    yield client
    client.delete_stream(StreamName=name)
    client.close()


class Intake:
    """Processes of `python -m workers.intake`, by name, with their logs."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.urls: dict[str, str] = {}

    def start(self, name: str = "one", **changes: object) -> None:
        port = unused_port()
        settings = self._settings.model_copy(update=changes | {"worker_metrics_port": port})
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "workers.intake"],
                env=os.environ | environment_of(settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.urls[name] = f"http://127.0.0.1:{port}"

    def kill(self, name: str = "one") -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self, name: str = "one") -> int:
        process = self._running.pop(name)
        process.terminate()
        return process.wait(_STOP_SECONDS)

    def ended(self, name: str = "one") -> int:
        return self._running.pop(name).wait(_STOP_SECONDS)

    def log(self, name: str = "one") -> str:
        return (self._folder / f"{name}.log").read_text()

    async def metric(self, line: str, name: str = "one") -> float:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.urls[name]}/metrics")).text
        found = [each for each in text.splitlines() if each.startswith(line + " ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)


@pytest.fixture
def intake(intake_settings: Settings, kinesis: object, tmp_path: Path) -> Iterator[Intake]:
    processes = Intake(intake_settings, tmp_path)
    yield processes
    processes.close()
    for log in sorted(tmp_path.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text()[-6000:]}")


class Videos:
    """Sends streams, and looks at what the consumers made of them."""

    def __init__(
        self, settings: Settings, client: "KinesisClient", database: Database, folder: Path
    ) -> None:
        self._settings = settings
        self._client = client
        self._database = database
        self._folder = folder
        self.store: FolderStore = make_folder_store(settings)
        self.name = settings.kinesis_stream or ""
        self._project_id = settings.kinesis_project_id or ""

    async def send(self, data: bytes, *, record_bytes: int = 200 * KIB) -> str:
        """Sends bytes as a file of their own; gives the stream's id."""
        stream_id = random_id()
        path = self._folder / f"{stream_id}.mp4"
        path.write_bytes(data)
        producer = Producer(self._client, self.name, record_bytes=record_bytes)
        await asyncio.to_thread(producer.send, path, stream_id, "video/mp4")
        return stream_id

    def put(self, partition_key: str, data: bytes) -> None:
        self._client.put_record(StreamName=self.name, PartitionKey=partition_key, Data=data)

    async def streams(self, stream_id: str) -> list[IngestStream]:
        async with self._database.project(self._project_id) as tx:
            found = await tx.scalars(
                select(IngestStream)
                .where(IngestStream.stream_id == stream_id)
                .order_by(IngestStream.consumer_group)
            )
            return list(found)

    async def ended(self, stream_id: str, *, groups: int = 1, seconds: float = 40) -> IngestStream:
        """The stream's row once it has ended in all groups; the first group's."""

        async def look() -> IngestStream | None:
            rows = await self.streams(stream_id)
            over = [row for row in rows if row.state is not StreamState.OPEN]
            return over[0] if len(over) == groups else None

        return await until(look, f"stream {stream_id} ends", seconds)

    async def upload(self, row: IngestStream) -> Upload:
        async with self._database.project(self._project_id) as tx:
            found = await tx.get(Upload, row.upload_id)
        assert found is not None
        return found

    async def assert_whole(self, stream_id: str, data: bytes, *, groups: int = 1) -> None:
        await self.ended(stream_id, groups=groups)
        rows = await self.streams(stream_id)
        assert len(rows) == groups
        for row in rows:
            assert row.state is StreamState.COMPLETED, row.error_message
            upload = await self.upload(row)
            assert (upload.state, upload.method) == ("verifying", "stream")
            assert upload.size_bytes == len(data)
            stored = self.store.local_path(upload.object_key).read_bytes()
            assert hashlib.sha256(stored).digest() == hashlib.sha256(data).digest()
            assert upload.sha256 == hashlib.sha256(data).hexdigest()

    async def cancel(self, stream_id: str) -> None:
        [row] = await self.streams(stream_id)
        async with self._database.project(self._project_id) as tx:
            await cancel_upload(tx, self.store, row.upload_id or "")

    async def shards(self) -> list[StreamShard]:
        async with self._database.project(self._project_id) as tx:
            return list(await tx.scalars(select(StreamShard).order_by(StreamShard.shard_id)))

    async def owners(self) -> dict[str, str | None]:
        return {row.shard_id: row.owner for row in await self.shards() if not row.finished_at}


@pytest.fixture
def videos(
    intake_settings: Settings, kinesis: "KinesisClient", database: Database, tmp_path: Path
) -> Videos:
    return Videos(intake_settings, kinesis, database, tmp_path)


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311  # bytes that differ everywhere
