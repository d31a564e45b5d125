"""Notices of new objects in a bucket, in the three shapes in which a queue may have them.

- S3's own event notification, straight into the queue;
- the same inside a message of SNS;
- EventBridge's event "Object Created".
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import msgspec


@dataclass(frozen=True, slots=True)
class Landed:
    """An object that was put into a bucket.

    Args:
        version_id: None where the bucket keeps no versions.
        version: What tells it from the object that was under the key before, and after.
    """

    bucket: str
    key: str
    size: int
    version_id: str | None
    version: str


class NotANotice(Exception):
    """A message that is none of the three; the message says why."""


class _Named(msgspec.Struct):
    name: str


class _Object(msgspec.Struct, rename={"etag": "eTag", "version_id": "versionId"}):
    key: str
    size: int = 0
    etag: str = ""
    version_id: str | None = None
    sequencer: str = ""


class _S3(msgspec.Struct):
    bucket: _Named
    object: _Object


class _S3Record(msgspec.Struct, rename={"event_name": "eventName"}):
    event_name: str
    s3: _S3


class _BridgeObject(msgspec.Struct, rename={"version_id": "version-id"}):
    key: str
    size: int = 0
    etag: str = ""
    version_id: str | None = None
    sequencer: str = ""


class _BridgeDetail(msgspec.Struct):
    bucket: _Named
    object: _BridgeObject


def parse(body: str) -> list[Landed]:
    """The new objects that a message tells of; none where it tells of something else.

    Raises:
        NotANotice: as it says.
    """
    try:
        return _parse(msgspec.json.decode(body))
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeError) as error:
        raise NotANotice(str(error)) from error


def _parse(message: Any, *, wrapped: bool = False) -> list[Landed]:
    match message:
        case {"Type": "Notification", "Message": str(inner)} if not wrapped:
            return _parse(msgspec.json.decode(inner), wrapped=True)
        case {"Event": "s3:TestEvent"}:
            return []
        case {"source": "aws.s3", "detail-type": "Object Created", "detail": dict(detail)}:
            event = msgspec.convert(detail, _BridgeDetail)
            return [_landed(event.bucket.name, event.object.key, event.object)]
        case {"source": "aws.s3", "detail-type": str()}:
            return []
        case {"Records": list(records)}:
            return [
                # S3 encodes keys as forms do: a space is a plus. EventBridge does not.
                _landed(each.s3.bucket.name, unquote_plus(each.s3.object.key), each.s3.object)
                for each in msgspec.convert(records, list[_S3Record])
                if each.event_name.removeprefix("s3:").startswith("ObjectCreated:")
            ]
        case _:
            raise NotANotice("it is neither S3's notice, nor SNS's of one, nor EventBridge's event")


def _landed(bucket: str, key: str, found: _Object | _BridgeObject) -> Landed:
    version_id = found.version_id if found.version_id not in {None, "", "null"} else None
    version = version_id or found.sequencer or found.etag
    if not (bucket and key and version):
        raise NotANotice("the object has no name, or nothing that tells it from the next one")
    return Landed(bucket, key, found.size, version_id, version)


def project_of(key: str, prefix: str) -> str | None:
    """Whose an object is: `<prefix><project id>/<name>`; None where it lies elsewhere."""
    if not key.startswith(prefix):
        return None
    project_id, slash, name = key.removeprefix(prefix).partition("/")
    # A key that ends in a slash is what consoles make for a folder.
    return project_id if project_id and slash and name and not name.endswith("/") else None
