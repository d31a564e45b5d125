"""The store on S3 keeps the contracts, against a server that checks signatures."""

from collections.abc import Iterator

import pytest

from app.foundation.storage.protocols import Store
from app.seams import make_store
from app.settings import Settings
from tests.integration.storage.contract import Client, ObjectStoreContract
from tests.integration.storage.multipart_contract import MultipartContract
from tests.integration.storage.s3_stores import HttpClient


class _S3:
    @pytest.fixture
    def store(self, s3_settings: Settings) -> Iterator[Store]:
        store = make_store(s3_settings)
        yield store
        store.close()

    @pytest.fixture
    def reopened(self, s3_settings: Settings) -> Iterator[Store]:
        store = make_store(s3_settings)
        yield store
        store.close()

    @pytest.fixture
    def client(self) -> Client:
        return HttpClient()


class TestObjects(_S3, ObjectStoreContract):
    pass


class TestMultipart(_S3, MultipartContract):
    pass
