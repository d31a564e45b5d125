"""Who is granted what: the table of docs/roles.md, and the same for what is no API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from infra.grants import Grant
from infra.state.buckets import Buckets
from infra.state.messaging import Messaging
from infra.state.queues import KINDS


@dataclass(frozen=True, kw_only=True)
class Grants:
    """What the stack has to grant; who is handed what of it is decided in `grants_of`.

    Args:
        database: The app's login.
        migration: The owner's, which migrates and makes the app's login.
        signing: Keys of tokens and links.
        read_store: Read sources and media.
        write_sources: Put, complete, abort and delete sources, and read them.
        write_media: Read sources; read, put and delete what is made of them.
        write_all: Read, put and delete in all buckets.
        sweep: Find and abort uploads that nobody will complete, in all buckets.
        ring: Send wake-ups, and count them.
        consume: By kind of worker: receive, hide and delete wake-ups.
        publish: Send events to the topics.
        delivery: Keys of CloudFront; nothing where the API serves media.
        mail: Send mail; nothing where the stack sends none.
        stream, notices: What intake reads; nothing where there is none.
    """

    database: Grant
    migration: Grant
    signing: Grant
    read_store: Grant
    write_sources: Grant
    write_media: Grant
    write_all: Grant
    sweep: Grant
    ring: Grant
    consume: Mapping[str, Grant]
    publish: Grant
    delivery: Grant = field(default_factory=Grant)
    mail: Grant = field(default_factory=Grant)
    stream: Grant = field(default_factory=Grant)
    notices: Grant = field(default_factory=Grant)

    @classmethod
    def of(cls, buckets: Buckets, messaging: Messaging, **others: Grant) -> Self:
        """What buckets and messaging hand out, and the `others` as they are called here."""
        reads = buckets.read_grant("source", "media")
        return cls(
            read_store=reads,
            write_sources=reads | buckets.write_grant("source"),
            write_media=reads | buckets.write_grant("media"),
            write_all=buckets.read_grant() | buckets.write_grant(),
            sweep=buckets.sweep_grant(),
            ring=messaging.send_grant(),
            consume={kind: messaging.consume_grant(kind) for kind in KINDS},
            publish=messaging.publish_grant(),
            **others,
        )


def told(grant: Grant) -> Grant:
    """What the holder knows, without what it may do.

    Who writes events also writes, in the same statement, a row for each way out; the relay sends
    them. So writers know that there are topics and mail, and may use neither.
    """
    return Grant(environment=grant.environment, secrets=grant.secrets)


def grants_of(process: str, grants: Grants) -> Sequence[Grant]:
    """What a process holds.

    Raises:
        KeyError: no such process.
    """
    rows = (grants.database, grants.signing)
    writes_events = (told(grants.publish), told(grants.mail))
    held: Mapping[str, Sequence[Grant]] = {
        "accounts": rows,
        "analytics": rows,
        "uploader": (*rows, grants.write_sources, *writes_events),
        "catalog": (*rows, grants.read_store, grants.delivery, *writes_events),
        "encode": (*rows, grants.write_media, grants.consume["encode"], *writes_events),
        "light": (*rows, grants.write_all, grants.consume["light"], *writes_events),
        # Expires uploads, sweeps what crashes left, and sends what the others have written rows of.
        "relay": (
            *rows,
            grants.write_sources,
            grants.sweep,
            grants.ring,
            grants.publish,
            grants.mail,
        ),
        "intake": (*rows, grants.write_sources, grants.stream, grants.notices, *writes_events),
        "migrations": (*rows, grants.migration),
        "console": (),
    }
    return held[process]
