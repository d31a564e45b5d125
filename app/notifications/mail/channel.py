"""Mail to people: whom the outbox names, about the video that the event names."""

from collections.abc import Sequence
from email.message import EmailMessage

import structlog

from app.accounts.mail_wishes import unsubscribe_link
from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.foundation.signing import UrlSigner
from app.foundation.threads import Threads
from app.notifications.channels import Delivery, Failed, Outcome
from app.notifications.mail.facts import read_facts
from app.notifications.mail.letter import Facts, LetterWriter
from app.notifications.mail.transport import Transport
from app.notifications.models import ChannelName

log = structlog.get_logger(__name__)


class MailChannel:
    """Reads the facts as each project's own role, writes the mails, and has them carried."""

    name = ChannelName.MAIL
    batch_size = 20

    def __init__(
        self,
        database: Database,
        transport: Transport,
        writer: LetterWriter,
        signer: UrlSigner,
        *,
        public_url: str,
    ) -> None:
        self._database = database
        self._transport = transport
        self._writer = writer
        self._signer = signer
        self._public_url = public_url
        # One: a mail server is not to be stormed.
        self._threads = Threads(1, "mail")

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [None] * len(batch)
        messages: dict[int, EmailMessage] = {}
        for place, delivery in enumerate(batch):
            facts = await self._facts(delivery)
            if facts is None:
                log.info("mail.not_wanted", event_id=delivery.event.id)
                continue
            try:
                messages[place] = self._writer.write(facts, now=utc_now())
            except ValueError as error:
                outcomes[place] = Failed(f"cannot be written: {error}", permanent=True)
        if not messages:
            return outcomes
        sent = await self._threads.run(self._transport.send, list(messages.values()))
        for place, outcome in zip(messages, sent, strict=True):
            outcomes[place] = outcome
        return outcomes

    async def _facts(self, delivery: Delivery) -> Facts | None:
        async with self._database.project(delivery.row.project_id) as tx:
            return await read_facts(
                tx, delivery, public_url=self._public_url, unsubscribe=self._unsubscribe
            )

    def _unsubscribe(self, project_id: str, user_id: str) -> str:
        return unsubscribe_link(
            self._signer,
            self._public_url,
            project_id=project_id,
            user_id=user_id,
            now=utc_now(),
        )

    async def close(self) -> None:
        self._threads.close()
        self._transport.close()
