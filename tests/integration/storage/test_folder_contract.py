"""The folder store keeps the contracts."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from app.foundation.clock import utc_now
from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner
from app.foundation.storage import served
from app.foundation.storage.errors import StoreError
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.protocols import SignedRequest, Store
from tests.integration.storage.contract import (
    Client,
    ObjectStoreContract,
    Refused,
    in_blocks,
)
from tests.integration.storage.multipart_contract import MultipartContract

BASE = "http://localhost:8000/store"
SIGNER = UrlSigner({"test": b"a key for tests, of enough bytes."}, "test")


def open_store(root: Path) -> FolderStore:
    return FolderStore(root, SIGNER, BASE)


class ServedClient:
    """Does what a client and the routes of the API do together."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store

    async def send(self, request: SignedRequest, body: bytes) -> str:
        kind, rest, token = _taken_apart(request.url)
        now = utc_now()
        blocks = in_blocks(body)
        try:
            if kind == "objects":
                return (
                    await served.receive_object(
                        self._store,
                        SIGNER,
                        key=rest,
                        token=token,
                        body=blocks,
                        content_length=len(body),
                        now=now,
                    )
                ).etag
            upload_id, _, number = rest.rpartition("/")
            return (
                await served.receive_part(
                    self._store,
                    SIGNER,
                    upload_id=upload_id,
                    number=int(number),
                    token=token,
                    body=blocks,
                    content_length=len(body),
                    now=now,
                )
            ).etag
        except (StoreError, SignatureInvalid, SignatureExpired) as error:
            raise Refused from error

    async def fetch(self, url: str, *, byte_range: str | None = None) -> bytes:
        _, key, token = _taken_apart(url)
        headers: Mapping[str, str] = {"range": byte_range} if byte_range else {}
        now: datetime = utc_now()
        try:
            response = await served.open_signed(
                self._store, SIGNER, key=key, token=token, now=now, request_headers=headers
            )
        except (StoreError, SignatureInvalid, SignatureExpired) as error:
            raise Refused from error
        return b"".join([block async for block in response.body])


def _taken_apart(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    kind, _, rest = unquote(parts.path).removeprefix("/store/").partition("/")
    return kind, rest, parse_qs(parts.query)["token"][0]


class _Folder:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return open_store(tmp_path / "store")

    @pytest.fixture
    def reopened(self, tmp_path: Path) -> Store:
        return open_store(tmp_path / "store")

    @pytest.fixture
    def client(self, store: FolderStore) -> Client:
        return ServedClient(store)


class TestObjects(_Folder, ObjectStoreContract):
    pass


class TestMultipart(_Folder, MultipartContract):
    pass
