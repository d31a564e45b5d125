"""TLS to the database with `?ssl=verify-full`, and whom the images trust with it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import make_url, text

from app.foundation.db.database import Database
from app.foundation.db.driver_url import driver_url
from app.foundation.db.listening import listen_forever
from app.local.postgres import LocalPostgres
from tests.servers.postgres_tls import tls_only

_ROOT = Path(__file__).resolve().parents[2]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Authority:
    """Who signs, and a context of a server called localhost, signed by it."""

    pem: Path
    context: ssl.SSLContext


def _authority(folder: Path, name: str) -> _Authority:
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
    return _Authority(pem, context)


@pytest.fixture
async def port(
    postgres: LocalPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    authority = _authority(tmp_path, "authority")
    monkeypatch.setenv("PGSSLROOTCERT", str(authority.pem))
    async with tls_only(postgres.port, authority.context) as port:
        yield port


@pytest.fixture
def url(database_url: str, port: int) -> str:
    return _at(database_url, "localhost", port)


def _at(url: str, host: str, port: int, ssl: str = "verify-full") -> str:
    made = make_url(url).set(host=host, port=port, query={"ssl": ssl})
    return made.render_as_string(hide_password=False)


async def _answers(url: str) -> bool:
    database = Database(url)
    try:
        async with database.connection() as connection:
            return (await connection.execute(text("SELECT true"))).scalar_one() is True
    finally:
        await database.close()


async def test_the_pool_verifies_the_server(url: str) -> None:
    assert await _answers(url)


async def test_who_listens_verifies_it_too(url: str) -> None:
    database = Database(url)
    listening = asyncio.Event()
    listener = asyncio.create_task(
        listen_forever(database, "tls", heard=print, connected=listening.set, name="test")
    )
    try:
        await asyncio.wait_for(listening.wait(), 10)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await database.close()


async def test_another_name_or_authority_is_refused(
    database_url: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        await _answers(_at(database_url, "127.0.0.1", port))
    monkeypatch.setenv("PGSSLROOTCERT", str(_authority(tmp_path, "stranger").pem))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        await _answers(_at(database_url, "localhost", port))


def test_the_drivers_own_word_for_it() -> None:
    assert driver_url("postgresql+asyncpg://a:b%40@h/d?ssl=verify-full") == (
        "postgresql://a:b%40@h/d?sslmode=verify-full"
    )
    assert driver_url("postgresql+asyncpg://a@h/d") == "postgresql://a@h/d"


@pytest.mark.parametrize("image", ["app", "workers"])
def test_images_trust_roots_that_are_in_them(image: str) -> None:
    dockerfile = (_ROOT / image / "Dockerfile").read_text()
    path = re.search(r"PGSSLROOTCERT=/srv/spool/(\S+)", dockerfile)
    assert path
    roots = x509.load_pem_x509_certificates((_ROOT / path[1]).read_bytes())
    names = {root.subject.rfc4514_string() for root in roots}
    assert len(names) == 32
    for root in roots:
        root.verify_directly_issued_by(root)
        assert root.not_valid_after_utc > datetime.now(UTC) + 365 * _DAY
