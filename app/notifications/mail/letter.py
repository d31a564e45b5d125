"""A mail from facts: subject, text, HTML and headers. No I/O."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SUBJECT_CHARACTERS = 120
_READY = "asset.ready"
# Folded at the standard's limit (RFC 5322, 2.1.1) only: a long link that is folded earlier is
# encoded, and no mail program reads an encoded List-Unsubscribe.
_POLICY = SMTP.clone(max_line_length=990)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a mail is about.

    Args:
        watch_url: None where no playback id is public.
        error_message: In words for a person, as the asset has it.
        why: Why this person is sent it.
    """

    event_id: str
    type: str
    user_id: str
    name: str
    email: str
    project: str
    asset_id: str
    title: str
    occurred_at: datetime
    why: str
    unsubscribe_url: str
    watch_url: str | None = None
    duration: str | None = None
    heights: tuple[str, ...] = ()
    error_code: str | None = None
    error_message: str | None = None

    @property
    def ready(self) -> bool:
        return self.type == _READY

    @property
    def arrived(self) -> bool:
        """Whether the file is here, so that it can be tried again without sending it again."""
        return not (self.error_code or "").startswith("upload_")


def subject_of(facts: Facts) -> str:
    title = one_line(facts.title)
    if len(title) > _SUBJECT_CHARACTERS:
        title = title[: _SUBJECT_CHARACTERS - 1].rstrip() + "…"
    if facts.ready:
        return f'"{title}" is ready'
    return f'"{title}" could not be {"processed" if facts.arrived else "uploaded"}'


def one_line(text: str) -> str:
    """Without line ends and control characters: nothing in it can begin another header."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _address(name: str, email: str) -> Address:
    """A recipient.

    Raises:
        ValueError: it is no address, though it has an @.
    """
    try:
        return Address(one_line(name), addr_spec=email)
    except (MessageError, IndexError, AttributeError) as error:
        # The standard library's parser trips over its own feet as well.
        raise ValueError(f"no address: {error}") from error


class LetterWriter:
    """Writes mails.

    Args:
        sender: `Name <address>`, as `mail_from` has it.
    """

    def __init__(self, sender: str) -> None:
        name, address = parseaddr(sender)
        self._sender = Address(name, addr_spec=address)
        # Everything is escaped in HTML, and nothing in text.
        self._templates = Environment(
            loader=PackageLoader("app.notifications", "templates"),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, facts: Facts, *, now: datetime) -> EmailMessage:
        """A mail with text and HTML.

        Raises:
            ValueError: there can be no mail to such an address.
        """
        message = EmailMessage(policy=_POLICY)
        subject = subject_of(facts)
        message["From"] = self._sender
        message["To"] = _address(facts.name, facts.email)
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        # The same whenever it is sent, so that a repeated one can be told.
        message["Message-ID"] = f"<{facts.event_id}.{facts.user_id}@{self._sender.domain}>"
        message["X-Spool-Event-Id"] = facts.event_id
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<{facts.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        kind = "ready" if facts.ready else "failed"
        known = {"facts": facts, "subject": subject, "title": one_line(facts.title)}
        text = self._templates.get_template(f"{kind}.txt").render(known)
        html = self._templates.get_template(f"{kind}.html").render(known)
        # Seven bits and short lines: what every server on the way takes.
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        return message
