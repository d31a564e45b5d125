"""Mail by SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS from the start, and a login."""

import smtplib
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from app.notifications.channels import Failed, Outcome

_TIMEOUT_SECONDS = 10.0
# A batch ends within the time for which its relay has it in hand.
_BATCH_SECONDS = 45.0
_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and how to talk to it.

    Args:
        tls: How its certificate is checked. Default: by the system's authorities.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class SmtpTransport:
    """One connection per batch. What a server refuses for good (5xx) is not tried again."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tls = server.tls or ssl.create_default_context()

    def send(self, messages: Sequence[EmailMessage]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        try:
            with self._connect() as smtp:
                last = time.monotonic() + _BATCH_SECONDS
                for message in messages:
                    if time.monotonic() > last:
                        raise TimeoutError("the server took too long over others")
                    outcomes.append(_send(smtp, message))
        except (smtplib.SMTPException, OSError) as error:
            # QUIT alone may have failed; otherwise it says why the rest has not been sent.
            rest = len(messages) - len(outcomes)
            outcomes += [Failed(f"{type(error).__name__}: {error}")] * rest
        return outcomes

    def _connect(self) -> smtplib.SMTP:
        """A connection that takes mail.

        Raises:
            SMTPException: it is no mail server, or takes neither TLS nor the login.
            OSError: it cannot be reached, or its certificate is not right.
        """
        server = self._server
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_TIMEOUT_SECONDS, context=self._tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
        try:
            if server.security == "starttls":
                smtp.starttls(context=self._tls)
            if server.user:
                smtp.login(server.user, server.password or "")
        except (smtplib.SMTPException, OSError):
            smtp.close()
            raise
        return smtp

    def close(self) -> None: ...


def _send(smtp: smtplib.SMTP, message: EmailMessage) -> Outcome:
    """Sends one mail.

    Raises:
        SMTPException: the connection is of no further use.
        OSError: it broke.
    """
    try:
        smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        [(code, text)] = error.recipients.values()
        return _refused(code, text)
    except smtplib.SMTPDataError as error:
        return _refused(error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        # An address that is not ASCII, and a server without SMTPUTF8.
        return Failed(str(error), permanent=True)
    except ValueError as error:
        return Failed(f"cannot be sent: {error}", permanent=True)
    return None


def _refused(code: int, text: bytes | str) -> Failed:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Failed(f"{code} {' '.join(said.split())}", permanent=code >= _PERMANENT)
