"""What leaves the system: an event to a queue, and a mail, from the real API and a real worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CREDENTIALS, make_settings
from tests.e2e.system.client import Client
from tests.e2e.system.stack import Stack, until
from tests.integration.events.conftest import Subscribed, subscribe
from tests.servers.mail import HOST, Catcher, mail_catcher


@pytest.fixture(scope="module")
def catcher() -> Iterator[Catcher]:
    with mail_catcher() as caught:
        yield caught


@pytest.fixture(scope="module")
def topics(
    moto_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Subscribed]]:
    """By origin."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        settings = make_settings("postgresql://nobody@127.0.0.1/none", tmp_path_factory.mktemp("t"))
        yield {origin: subscribe(settings, moto_url) for origin in ("api", "worker")}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory,
    catcher: Catcher,
    topics: dict[str, Subscribed],
    moto_url: str,
) -> Iterator[Stack]:
    """The stack of the other tests here, with somewhere to send to."""
    stack = Stack(
        tmp_path_factory.mktemp("stack"),
        mail="smtp",
        smtp_host=HOST,
        smtp_port=catcher.port,
        smtp_security="none",
        sns_endpoint_url=moto_url,
        sns_api_topic_arn=topics["api"].topic_arn,
        sns_worker_topic_arn=topics["worker"].topic_arn,
    )
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


async def test_a_video_is_announced_to_programs_and_to_its_uploader(
    stack: Stack,
    client: Client,
    small: Path,
    catcher: Catcher,
    topics: dict[str, Subscribed],
) -> None:
    asset_id = await client.upload(small, title="Opening night")
    asset = await client.becomes_ready(asset_id)
    heard: dict[str, list[dict[str, object]]] = {"api": [], "worker": []}

    async def ready_is_heard() -> bool:
        for origin, topic in topics.items():
            heard[origin] += topic.events()
        return any(event["type"] == "asset.ready" for event in heard["worker"])

    await until(ready_is_heard, "asset.ready in the queue")
    assert [event["type"] for event in heard["api"]] == ["asset.created", "asset.ingesting"]
    assert {event["asset_id"] for events in heard.values() for event in events} == {asset_id}
    assert {event["origin"] for event in heard["worker"]} == {"worker"}
    of_upload = {event["correlation_id"] for event in heard["api"][-1:] + heard["worker"]}
    assert len(of_upload) == 1

    async def mail_is_there() -> bool:
        return bool(catcher.raw)

    await until(mail_is_there, "mail")
    [mail] = catcher.mails
    assert mail["Subject"] == '"Opening night" is ready'
    me = (await client.get("/v1/members"))["items"][0]
    assert catcher.recipients == [me["email"]]
    text = mail.get_body(("plain",))
    assert text is not None
    assert f"{stack.url}/watch/{asset['playback_ids'][0]['id']}" in text.get_content()
    ready = next(event for event in heard["worker"] if event["type"] == "asset.ready")
    assert mail["X-Spool-Event-Id"] == ready["id"]


async def test_a_video_that_fails_is_told_with_the_reason(
    stack: Stack, client: Client, catcher: Catcher, topics: dict[str, Subscribed]
) -> None:
    before = len(catcher.raw)
    asset_id = await client.upload_bytes(b"no video at all" * 100, "notes.mp4", title="Notes")
    asset = await client.ends(asset_id)

    async def mail_is_there() -> bool:
        return len(catcher.raw) > before

    await until(mail_is_there, "mail")
    mail = catcher.mails[-1]
    assert mail["Subject"] == '"Notes" could not be processed'
    text = mail.get_body(("plain",))
    assert text is not None
    assert asset["error"]["message"] in " ".join(text.get_content().split())
