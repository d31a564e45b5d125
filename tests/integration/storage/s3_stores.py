"""Buckets on a server that speaks S3, and a client that has signed requests only."""

from typing import Any

import httpx
from boto3.session import Session
from botocore.config import Config

from app.foundation.db.ids import random_id
from app.foundation.storage.protocols import SignedRequest
from tests.integration.storage.contract import Refused

REGION = "us-east-1"


def s3_client(url: str) -> Any:
    """boto3's own, beside any store: for what a store is asked afterwards."""
    session: Any = Session()
    config = Config(s3={"addressing_style": "path"})
    return session.client("s3", region_name=REGION, endpoint_url=url, config=config)


def make_buckets(url: str, count: int) -> list[str]:
    """New buckets, by their names."""
    client = s3_client(url)
    names = [f"bucket-{random_id(12)}" for _ in range(count)]
    for name in names:
        client.create_bucket(Bucket=name)
    client.close()
    return names


class HttpClient:
    """Sends signed requests over HTTP, as a browser does."""

    async def send(self, request: SignedRequest, body: bytes) -> str:
        answer = await self.ask(
            request.method, request.url, content=body, headers=dict(request.headers)
        )
        return answer.headers["etag"].strip('"')

    async def fetch(self, url: str, *, byte_range: str | None = None) -> bytes:
        headers = {"range": byte_range} if byte_range else {}
        return (await self.ask("GET", url, headers=headers)).content

    async def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Raises Refused."""
        try:
            async with httpx.AsyncClient(timeout=30) as client:
                answer = await client.request(method, url, **options)
        except httpx.TransportError as error:
            # A server need not hear out a body that it refuses: it may answer and hang up.
            raise Refused from error
        if answer.is_error:
            raise Refused(answer.text)
        return answer
