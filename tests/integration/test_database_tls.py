"""TLS to the database with `?ssl=verify-full`, and whom the images trust with it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import make_url, text

from app.foundation.db.database import Database
from app.foundation.db.driver_url import driver_url
from app.foundation.db.listening import listen_forever
from app.local.postgres import LocalPostgres
from tests.servers.postgres_tls import signed_by, tls_only

_ROOT = Path(__file__).resolve().parents[2]
_DAY = timedelta(days=1)


@pytest.fixture
async def port(
    postgres: LocalPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    authority = signed_by(tmp_path, "authority")
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
    monkeypatch.setenv("PGSSLROOTCERT", str(signed_by(tmp_path, "stranger").pem))
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
