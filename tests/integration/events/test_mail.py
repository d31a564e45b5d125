"""Mail to people: who is sent it, and what becomes of it at servers that take, refuse and break."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, update

from app.accounts.models import MailWish, Member, Role, User
from app.assets.service import create_asset
from app.assets.states import fail_asset
from app.foundation.aws import make_client
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id, random_id
from app.notifications.channels import Failed
from app.notifications.mail.folder import FolderTransport
from app.notifications.mail.letter import LetterWriter
from app.notifications.mail.ses import SesTransport
from app.notifications.mail.smtp import Server, SmtpTransport
from app.notifications.models import Origin, OutboxRow
from app.notifications.outbox import Outlets
from app.seams import make_channels
from app.settings import Settings
from tests.integration.events.conftest import Open
from tests.integration.events.test_relay import rows
from tests.ports import unused_port
from tests.servers.mail import HOST, Catcher, mail_catcher, make_certificate
from tests.unit.notifications.test_letter import FAILED, READY
from workers.outbox_relay import OutboxRelay


@pytest.fixture
def mailing(open_database: Open) -> Database:
    """As a worker opens the database where mail is sent."""
    return open_database(Outlets(Origin.WORKER, mail=True))


async def add_member(
    database: Database, project_id: str, role: Role, wish: MailWish = MailWish.OWN
) -> str:
    user_id = new_id("usr")
    async with database.gate() as gate:
        gate.add(User(id=user_id, email=f"{user_id}@example.org", name="Ada", password_hash="none"))
        await gate.flush()
        gate.add(Member(project_id=project_id, user_id=user_id, role=role, mail=wish))
    return user_id


async def fail_one(database: Database, project_id: str, created_by: str | None = None) -> str:
    """An asset that has failed."""
    async with database.project(project_id) as tx:
        asset = await create_asset(
            tx,
            project_id=project_id,
            title="Opening night",
            filename="a.mp4",
            expires=timedelta(hours=1),
            created_by=created_by,
        )
        await fail_asset(tx, asset.id, "truncated", "The file ends too early.")
    return asset.id


Relay = Callable[[], Awaitable[int]]


@asynccontextmanager
async def relaying(
    settings: Settings, database: Database, **changes: object
) -> AsyncIterator[Relay]:
    """Relays a batch of mail with each call; how many rows it had."""
    settings = settings.model_copy(update={"mail_from": "Spool <spool@mail.example>"} | changes)
    [channel] = make_channels(settings, database)
    relay = OutboxRelay(database, [channel])
    yield lambda: relay.relay_once(channel)
    await relay.close()


def to(catcher: Catcher) -> dict[str, object]:
    server = {"smtp_host": HOST, "smtp_port": catcher.port, "smtp_security": "none"}
    return {"mail": "smtp", **server}


def letters(count: int) -> list[EmailMessage]:
    writer = LetterWriter("Spool <spool@mail.example>")
    now = datetime.now(UTC)
    return [
        writer.write(
            replace(READY, user_id=f"usr_{n}", email=f"n{n}@example.org", name=f"Nº {n}"), now=now
        )
        for n in range(count)
    ]


async def test_the_person_who_uploaded_it_is_told(mailing: Database, project_id: str) -> None:
    await add_member(mailing, project_id, Role.OWNER)
    mine = await add_member(mailing, project_id, Role.EDITOR)
    everything = await add_member(mailing, project_id, Role.VIEWER, MailWish.ALL)
    await add_member(mailing, project_id, Role.EDITOR)
    await fail_one(mailing, project_id, created_by=mine)
    assert {row.target for row in await rows(mailing, project_id)} == {mine, everything}


@pytest.mark.parametrize("sender", [None, "usr_who_has_left"])
async def test_what_nobody_uploaded_is_the_owners(
    mailing: Database, project_id: str, sender: str | None
) -> None:
    owner = await add_member(mailing, project_id, Role.OWNER)
    await add_member(mailing, project_id, Role.OWNER, MailWish.NONE)
    await add_member(mailing, project_id, Role.EDITOR)
    await fail_one(mailing, project_id, created_by=sender)
    assert [row.target for row in await rows(mailing, project_id)] == [owner]


async def test_who_wants_none_gets_none(mailing: Database, project_id: str) -> None:
    mine = await add_member(mailing, project_id, Role.OWNER, MailWish.NONE)
    await fail_one(mailing, project_id, created_by=mine)
    assert await rows(mailing, project_id) == []


async def test_a_mail_arrives_and_says_why(
    settings: Settings, mailing: Database, project_id: str
) -> None:
    mine = await add_member(mailing, project_id, Role.EDITOR)
    asset_id = await fail_one(mailing, project_id, created_by=mine)
    with mail_catcher() as catcher:
        async with relaying(settings, mailing, **to(catcher)) as relay:
            assert await relay() == 1
            assert await relay() == 0
    [mail] = catcher.mails
    assert catcher.recipients == [f"{mine}@example.org"]
    assert mail["Subject"] == '"Opening night" could not be processed'
    text = mail.get_body(("plain",))
    assert text is not None
    assert "The file ends too early." in text.get_content()
    assert asset_id in text.get_content()
    [row] = await rows(mailing, project_id)
    assert row.done_at is not None


async def test_who_has_left_meanwhile_is_sent_nothing(
    settings: Settings, mailing: Database, project_id: str, tmp_path: Path
) -> None:
    mine = await add_member(mailing, project_id, Role.EDITOR)
    await fail_one(mailing, project_id, created_by=mine)
    async with mailing.project(project_id) as tx:
        await tx.delete(await tx.get_one(Member, (project_id, mine)))
    folder = tmp_path / "mail"
    async with relaying(settings, mailing, mail="file", mail_folder=str(folder)) as relay:
        assert await relay() == 1
    assert not folder.exists()
    [row] = await rows(mailing, project_id)
    assert row.done_at is not None


async def test_a_refused_recipient_is_given_up_and_a_busy_server_is_not(
    settings: Settings, mailing: Database, project_id: str
) -> None:
    gone, busy, fine = [
        await add_member(mailing, project_id, Role.EDITOR, MailWish.ALL) for _ in range(3)
    ]
    await fail_one(mailing, project_id, created_by=gone)
    answers = {gone: "550 5.1.1 no such mailbox", busy: "451 4.3.0 try later", fine: "250 OK"}
    with mail_catcher() as catcher:
        catcher.on_recipient = lambda address: answers[address.partition("@")[0]]
        async with relaying(settings, mailing, **to(catcher)) as relay:
            await relay()
    found = {row.target: row for row in await rows(mailing, project_id)}
    assert found[gone].dead_at is not None
    assert found[gone].last_error == "550 5.1.1 no such mailbox"
    assert (found[busy].dead_at, found[busy].done_at) == (None, None)
    assert found[busy].last_error == "451 4.3.0 try later"
    assert found[fine].done_at is not None


async def test_nine_failures_of_ten_still_deliver_every_mail_once(
    settings: Settings, mailing: Database, project_id: str
) -> None:
    people = [await add_member(mailing, project_id, Role.EDITOR, MailWish.ALL) for _ in range(10)]
    await fail_one(mailing, project_id, created_by=people[0])
    tries = 0

    def answer(_recipient: str) -> str:
        nonlocal tries
        tries += 1
        return "250 OK" if tries % 10 == 0 else "451 4.3.0 try later"

    with mail_catcher() as catcher:
        catcher.on_data = answer
        async with relaying(settings, mailing, **to(catcher)) as relay:
            while any(row.done_at is None for row in await rows(mailing, project_id)):
                async with mailing.dispatch() as tx:
                    await tx.execute(update(OutboxRow).values(next_at=func.statement_timestamp()))
                await relay()
    assert sorted(catcher.recipients) == sorted(f"{each}@example.org" for each in people)
    assert tries == 100


def test_starttls_and_login(tmp_path: Path) -> None:
    pem = make_certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with mail_catcher(tls=serving, login=("spool", "secret")) as catcher:
        server = Server(HOST, catcher.port, "starttls", "spool", "secret", trusting)
        assert SmtpTransport(server).send(letters(2)) == [None, None]
        assert catcher.recipients == ["n0@example.org", "n1@example.org"]

        [refused] = SmtpTransport(replace(server, password="wrong")).send(letters(1))
        assert isinstance(refused, Failed)
        assert "535" in refused.error
        assert not refused.permanent
        # A certificate that nobody vouches for.
        [strange] = SmtpTransport(replace(server, tls=None)).send(letters(1))
        assert isinstance(strange, Failed)
        assert "CERTIFICATE_VERIFY_FAILED" in strange.error
        assert len(catcher.raw) == 2


def test_a_server_without_tls_gets_no_password() -> None:
    with mail_catcher() as catcher:
        server = Server(HOST, catcher.port, "starttls", "spool", "secret")
        [outcome] = SmtpTransport(server).send(letters(1))
    assert isinstance(outcome, Failed)
    assert "STARTTLS" in outcome.error
    assert catcher.raw == []


def test_a_server_that_is_away_is_a_failure_of_all() -> None:
    server = Server(HOST, unused_port(HOST), "none")
    outcomes = SmtpTransport(server).send(letters(3))
    assert [isinstance(each, Failed) and not each.permanent for each in outcomes] == [True] * 3


def test_a_server_that_hangs_up_leaves_the_rest_for_later() -> None:
    with mail_catcher() as catcher:
        catcher.on_data = lambda to: "250 OK" if to.startswith("n0") else "421 4.3.2 going down"
        outcomes = SmtpTransport(Server(HOST, catcher.port, "none")).send(letters(3))
    assert outcomes[0] is None
    assert all(isinstance(each, Failed) and not each.permanent for each in outcomes[1:])
    assert catcher.recipients == ["n0@example.org"]


def test_a_folder_keeps_one_file_of_a_mail_that_is_sent_twice(tmp_path: Path) -> None:
    transport = FolderTransport(tmp_path / "mail")
    assert transport.send([*letters(2), *letters(2)]) == [None] * 4
    names = sorted(path.name for path in (tmp_path / "mail").iterdir())
    assert names == ["evt_1.usr_0.eml", "evt_1.usr_1.eml"]


@pytest.mark.usefixtures("aws_credentials")
def test_ses_takes_a_verified_senders_mail_and_says_why_not(
    settings: Settings, moto_url: str
) -> None:
    client = make_client(settings, "sesv2", endpoint_url=moto_url)
    sender = f"spool-{random_id(6)}@mail.example"
    writer = LetterWriter(f"Spool <{sender}>")
    transport = SesTransport(client)
    message = writer.write(FAILED, now=datetime.now(UTC))

    [refused] = transport.send([message])
    assert isinstance(refused, Failed)
    assert "MessageRejected" in refused.error
    assert not refused.permanent

    client.create_email_identity(EmailIdentity=sender)
    assert transport.send([message]) == [None]
    sent = httpx.get(f"{moto_url}/moto-api/data.json").json()["ses"]
    assert any(FAILED.email in str(each) for each in sent.values())
    transport.close()
