"""Objects that land in a bucket, with S3's own notices, in a process of the intake."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.assets.models import Asset
from app.foundation.aws import make_client
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.intake.models import Arrival, ArrivalState
from app.jobs.models import Task
from app.seams import make_store
from app.settings import Settings
from app.uploads.models import Upload
from tests.conftest import make_settings
from tests.e2e.system.stack import until
from tests.integration.intake.conftest import KIB, Intake, noise
from tests.integration.typed import set_environment, spool

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

LIMIT = 100 * KIB


class Bucket:
    """A bucket whose notices go into a queue, and the rows that come of them."""

    def __init__(self, url: str, settings: Settings, database: Database) -> None:
        self.name = settings.s3_source_bucket or ""
        self.queue_url = settings.bucket_events_queue_url or ""
        self._database = database
        self.s3: S3Client = make_client(settings, "s3", endpoint_url=url)
        self.sqs: SQSClient = make_client(settings, "sqs", endpoint_url=url)

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=data, Tagging="keep=a-week")

    def take_notice(self) -> str:
        """Takes the notice of what was put out of the queue."""
        [message] = self.sqs.receive_message(QueueUrl=self.queue_url)["Messages"]
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        assert "ObjectCreated" in message["Body"]
        return message["Body"]

    def announce(self, notice: str, times: int = 1) -> None:
        for _ in range(times):
            self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=notice)

    def left(self) -> int:
        """Messages in the queue, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
        found = {str(name): int(n) for name, n in answer["Attributes"].items() if n.isdigit()}
        return sum(found[name] for name in names)

    async def emptied(self) -> None:
        async def empty() -> bool:
            return self.left() == 0

        await until(empty, "all messages are deleted", 40)

    async def arrivals(self, project_id: str) -> dict[str, Arrival]:
        async with self._database.project(project_id) as tx:
            return {row.key: row for row in await tx.scalars(select(Arrival))}

    async def assets(self, project_id: str) -> list[tuple[Asset, Upload]]:
        async with self._database.project(project_id) as tx:
            rows = await tx.execute(select(Asset, Upload).join(Upload, Upload.asset_id == Asset.id))
            return [(asset, upload) for asset, upload in rows]

    async def task(self, project_id: str) -> Task:
        """The only one there is."""
        async with self._database.project(project_id) as tx:
            return (await tx.scalars(select(Task))).one()


@pytest.fixture(params=["folder", "s3"])
def intake_settings(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path: Path,
    moto_url: str,
    project_id: str,
    aws_credentials: None,
) -> Settings:
    """With the bucket of the notices beside the store, or as the store's own."""
    name = f"sources-{random_id(8)}"
    settings = make_settings(database_url, tmp_path)
    s3: S3Client = make_client(settings, "s3", endpoint_url=moto_url)
    sqs: SQSClient = make_client(settings, "sqs", endpoint_url=moto_url)
    s3.create_bucket(Bucket=name)
    queue_url = sqs.create_queue(QueueName=f"notices-{random_id(8)}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    s3.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": attributes["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    # S3 sends a test event first.
    tested = sqs.receive_message(QueueUrl=queue_url)["Messages"][0]
    assert "s3:TestEvent" in tested["Body"]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=tested["ReceiptHandle"])
    return make_settings(
        database_url,
        tmp_path,
        store=request.param,
        s3_source_bucket=name,
        s3_endpoint_url=moto_url,
        s3_path_style=True,
        bucket_events_queue_url=queue_url,
        bucket_events_endpoint_url=moto_url,
        sqs_wait_seconds=1,
        upload_max_bytes=LIMIT,
    )


@pytest.fixture
def bucket(intake_settings: Settings, moto_url: str, database: Database) -> Bucket:
    return Bucket(moto_url, intake_settings, database)


@pytest.fixture
def intake(intake_settings: Settings, tmp_path: Path) -> Iterator[Intake]:
    processes = Intake(intake_settings, tmp_path)
    yield processes
    processes.close()
    print(processes.log())


async def test_an_object_becomes_an_asset_once(
    intake: Intake, bucket: Bucket, project_id: str, intake_settings: Settings
) -> None:
    data = noise(50 * KIB)
    key = f"incoming/{project_id}/My holiday (1) ä.mov"
    bucket.put(key, data)
    bucket.announce(bucket.take_notice(), times=20)
    intake.start("one")
    intake.start("two")
    await bucket.emptied()
    [(asset, upload)] = await bucket.assets(project_id)
    assert (asset.title, asset.tags) == (
        "My holiday (1) ä",
        {"source": f"s3://{bucket.name}/{key}"},
    )
    assert (upload.method, upload.state, upload.size_bytes) == ("bucket", "verifying", len(data))
    assert (await bucket.arrivals(project_id))[key].state is ArrivalState.TAKEN
    store = make_store(intake_settings)
    stored = b"".join([block async for block in store.read(upload.object_key)])
    store.close()
    assert stored == data
    if intake_settings.store == "s3":
        copied = bucket.s3.get_object_tagging(Bucket=bucket.name, Key=upload.object_key)
        assert copied["TagSet"] == []
    assert upload.object_key == f"videos/{asset.id}.mov"
    # Its work goes on in the trace in which it was taken.
    assert upload.traceparent
    task = await bucket.task(project_id)
    assert task.traceparent
    assert task.traceparent.split("-")[1] == upload.traceparent.split("-")[1]
    assert intake.stop("one") == intake.stop("two") == 0


async def test_what_cannot_be_an_asset_is_recorded_with_a_reason(
    intake: Intake, bucket: Bucket, project_id: str
) -> None:
    mine = f"incoming/{project_id}"
    bucket.put(f"{mine}/large.mov", noise(LIMIT + 1))
    bucket.put(f"{mine}/empty.mov", b"")
    bucket.put("incoming/prj_nobody/a.mov", b"x")
    bucket.put("elsewhere/a.mov", b"x")
    bucket.put(f"{mine}/gone.mov", b"x")
    bucket.s3.delete_object(Bucket=bucket.name, Key=f"{mine}/gone.mov")
    intake.start()

    async def dealt_with() -> bool:
        return bucket.left() == 1 and "notice.no_project" in intake.log()

    await until(dealt_with, "only what is nobody's is left, for the dead letters")
    found = await bucket.arrivals(project_id)
    assert {key.rpartition("/")[2]: row.error_code for key, row in found.items()} == {
        "large.mov": "upload_too_large",
        "empty.mov": "upload_empty",
        "gone.mov": "object_not_found",
    }
    [(asset, upload)] = await bucket.assets(project_id)
    assert (asset.state, upload.state) == ("failed", "failed")


# What is done without the message is the same on both.
ON_A_FOLDER = pytest.mark.parametrize("intake_settings", ["folder"], indirect=True)


@ON_A_FOLDER
async def test_what_was_refused_is_told_and_taken_once_more(
    intake: Intake,
    bucket: Bucket,
    project_id: str,
    intake_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_environment(monkeypatch, intake_settings)
    large, empty = (f"incoming/{project_id}/{name}.mov" for name in ("large", "empty"))
    bucket.put(large, noise(LIMIT + 1))
    bucket.put(empty, b"")
    intake.start(upload_max_bytes=LIMIT)
    await bucket.emptied()
    refused = await spool("arrivals", "list", "--state", "refused", "--json")
    ids = {each["key"]: each["id"] for each in refused.json()["items"]}
    assert ids.keys() == {large, empty}
    told = await spool("arrivals", "list")
    assert f"s3://{bucket.name}/{empty}  The file has no bytes." in told.out
    assert "arrivals retry" in told.err
    assert intake.stop() == 0

    one = await spool("arrivals", "retry", ids[empty])
    assert one.out == "1 object is taken once more.\n", one.err
    assert (await spool("arrivals", "retry", "--json")).json() == {"retried": 1}
    intake.start(upload_max_bytes=2 * LIMIT)

    async def taken() -> bool:
        found = await bucket.arrivals(project_id)
        return (found[large].state, found[empty].state) == ("taken", "refused")

    await until(taken, "the large one is taken, and the empty one refused again")
    [(_, upload)] = await bucket.assets(project_id)
    assert (upload.state, upload.size_bytes) == ("verifying", LIMIT + 1)
    wrong = await spool("arrivals", "list", "--state", "lost")
    assert (wrong.status, wrong.out) == (2, "")


async def test_a_message_stays_while_the_object_cannot_be_read(
    intake: Intake, bucket: Bucket, project_id: str
) -> None:
    data = noise(KIB)
    bucket.put(f"incoming/{project_id}/a.mov", data)
    bucket.announce(json.dumps({"no": "notice"}))
    bucket.announce(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}))
    # A port where nobody listens.
    intake.start(s3_endpoint_url="http://127.0.0.1:9", s3_attempts=1)

    async def tried() -> bool:
        return "notice.again" in intake.log() and "notice.unreadable" in intake.log()

    await until(tried, "it was tried")

    async def kept() -> bool:
        return bucket.left() == 2

    await until(kept, "two messages stay")
    [(asset, _)] = await bucket.assets(project_id)
    assert asset.state == "created"
    assert intake.stop() == 0


@ON_A_FOLDER
async def test_what_was_begun_is_taken_without_its_message(
    intake: Intake, bucket: Bucket, project_id: str, database: Database
) -> None:
    """The row of who died names an asset already, which the next one completes."""
    bucket.put(f"incoming/{project_id}/a.mov", noise(KIB))
    intake.start(s3_endpoint_url="http://127.0.0.1:9", s3_attempts=1)

    async def put_off() -> bool:
        return [row.error_code for row in (await bucket.arrivals(project_id)).values()] == [
            "unavailable"
        ]

    await until(put_off, "it could not be copied")
    intake.kill()
    bucket.sqs.purge_queue(QueueUrl=bucket.queue_url)
    async with database.project(project_id) as tx:
        row = (await tx.scalars(select(Arrival))).one()
        assert row.state is ArrivalState.TAKING
        row.lease_until = row.created_at - timedelta(hours=1)
    intake.start()

    async def taken() -> bool:
        [(_, upload)] = await bucket.assets(project_id)
        return upload.state == "verifying"

    await until(taken, "the asset has its source")
    [row] = (await bucket.arrivals(project_id)).values()
    assert (row.state, row.error_code) == ("taken", None)
