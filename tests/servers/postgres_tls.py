"""A PostgreSQL that takes TLS only, in front of one that has none, as RDS does with force_ssl."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Who signs, and a context of a server called localhost, signed by it."""

    pem: Path
    context: ssl.SSLContext


def signed_by(folder: Path, name: str) -> Authority:
    """An authority of this name, and a server called localhost that it has signed."""
    key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)

    def certificate(of: ec.EllipticCurvePrivateKey, subject: x509.Name, ca: bool) -> bytes:
        builder = x509.CertificateBuilder(
            issuer, subject, of.public_key(), x509.random_serial_number(), now - _DAY, now + _DAY
        ).add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if not ca:
            names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    pem, server = folder / f"{name}.pem", folder / f"{name}-server.pem"
    pem.write_bytes(certificate(key, issuer, ca=True))
    localhost = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    server.write_bytes(
        certificate(server_key, localhost, ca=False)
        + server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    return Authority(pem, context)


@asynccontextmanager
async def tls_only(port: int, certificate: ssl.SSLContext) -> AsyncIterator[int]:
    """The port on 127.0.0.1 of a server that speaks as the one at `port` does, within TLS.

    Who begins without is hung up on.
    """
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        tasks.add(current)
        current.add_done_callback(tasks.discard)
        behind: asyncio.StreamWriter | None = None
        try:
            if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(certificate)
            answers, behind = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass(reader, behind))
                group.create_task(_pass(answers, writer))
        except (OSError, EOFError):
            pass  # A client that does not like the certificate leaves within the handshake.
        finally:
            for each in (writer, behind):
                if each is not None:
                    each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
