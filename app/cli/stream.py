"""`spool stream`."""

import mimetypes
import os
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from app.cli.bars import Bars
from app.cli.errors import BadUsage, CommandFailed
from app.cli.screen import line, notes, results, show_json
from app.cli.words import of_bytes
from app.foundation.aws import make_client
from app.foundation.db.ids import random_id
from app.intake.producer import NotTaken, Producer, Sent
from app.settings.cloud import CloudSettings


def stream_file(
    file: Path, *, stream: str, region: str | None, endpoint_url: str | None, as_json: bool
) -> None:
    """Sends a file into a data stream, under a new stream id.

    Raises:
        BadUsage: there is no such file, or it is empty.
        CommandFailed: Kinesis does not take it.
    """
    if not file.is_file() or not os.access(file, os.R_OK):
        raise BadUsage(f"There is no file {file} that can be read.")
    size = file.stat().st_size
    if size == 0:
        raise BadUsage(f"{file} has no bytes.")
    stream_id = random_id()
    sent = _send(file, size, stream_id, stream, region, endpoint_url)
    if sent.size != size:
        raise CommandFailed(
            f"{file} changed while it was sent, so the stream {stream_id} fails.",
            "Send it again when nothing writes to it any more.",
        )
    if as_json:
        show_json(
            {
                "stream": stream,
                "stream_id": stream_id,
                "size_bytes": sent.size,
                "sha256": sent.sha256,
                "records": sent.records,
                "repeated_records": sent.repeated,
            }
        )
    else:
        line(results(), stream_id)
        line(notes(), f"Its video gets the tag stream_id={stream_id}; see it in: spool assets")


def _send(
    file: Path, size: int, stream_id: str, stream: str, region: str | None, endpoint: str | None
) -> Sent:
    try:
        chosen = {"aws_region": region} if region else {}
        settings = CloudSettings.model_validate(chosen)
        with Bars(notes()) as bars:
            bar = bars.add("stream")
            client = make_client(settings, "kinesis", endpoint_url=endpoint)
            producer = Producer(
                client,
                stream,
                progress=lambda done: bar.show(done / size, f"{of_bytes(done)}  {file.name}"),
            )
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            sent = producer.send(file, stream_id, kind)
            bar.end(f"{of_bytes(sent.size)}  {file.name}")
            return sent
    except ValidationError as error:
        raise BadUsage(str(error)) from error
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.") from error
    except (BotoCoreError, ClientError, NotTaken) as error:
        raise CommandFailed(
            f"Kinesis did not take the stream {stream_id}: {error}",
            "The same command sends the file again from its beginning, under a new stream id.",
        ) from error
