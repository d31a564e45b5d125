"""Mail by SES, API version 2. Needs ses:SendRawEmail and ses:SendEmail for the sender's identity.

SES puts a Message-ID of its own in place of ours; X-Spool-Event-Id stays.
"""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from app.notifications.channels import Failed, Outcome

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

# MessageRejected is not among them: it mostly says that an address is not verified, which somebody
# can still do.
_PERMANENT = frozenset({"BadRequestException"})


class SesTransport:
    """One request per mail."""

    def __init__(self, client: "SESV2Client") -> None:
        self._client = client

    def send(self, messages: Sequence[EmailMessage]) -> Sequence[Outcome]:
        return [self._send(message) for message in messages]

    def _send(self, message: EmailMessage) -> Outcome:
        try:
            self._client.send_email(
                FromEmailAddress=message["From"],
                Destination={"ToAddresses": [message["To"]]},
                Content={"Raw": {"Data": message.as_bytes()}},
            )
        except ClientError as error:
            return Failed(str(error), permanent=error.response["Error"]["Code"] in _PERMANENT)
        except BotoCoreError as error:
            return Failed(str(error))
        return None

    def close(self) -> None:
        self._client.close()
