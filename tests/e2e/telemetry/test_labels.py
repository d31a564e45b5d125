"""However many different things are asked for, measurements have no more series."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import httpx

from tests.e2e.system.client import Client
from tests.e2e.system.evidence import settled
from tests.e2e.system.stack import API, WORKER, Stack

_ROUNDS = 15
_LABEL = re.compile(r'="([^"]*)"')
_ID = re.compile(r"\b[a-z]{3}_[0-9a-z]{20,}|[0-9a-f]{16,}")


async def scrape(stack: Stack) -> set[str]:
    """The series of both processes, without their values."""
    series = set()
    async with httpx.AsyncClient() as client:
        for url in (stack.url, stack.status_urls[WORKER]):
            text = (await client.get(f"{url}/metrics")).text
            lines = [line for line in text.splitlines() if not line.startswith("#")]
            series |= {line.rpartition(" ")[0] for line in lines}
    return series


async def ask(client: Client) -> None:
    """One of each, about things that nobody has asked for before."""
    some = uuid4().hex
    await client.http.request("BREW", f"/v1/{some}")
    await client.http.request("PROPFIND", f"/v1/assets/ast_{some}")
    for path in ("/{}", "/v1/assets/ast_{}", "/v1/jobs/job_{}", "/{}.m3u8", "/v1/uploads/upl_{}"):
        await client.http.get(path.format(some), headers={"X-Correlation-ID": some})
    await client.http.put(f"/_store/parts/{some}/1", params={"token": some}, content=b"x")
    made = await client.begin(f"{some}.mp4", 100)
    await client.http.delete(f"/v1/uploads/{made['id']}")


async def test_series_do_not_grow_with_what_is_asked_for(stack: Stack, small: Path) -> None:
    stack.start(API)
    stack.start(WORKER)
    await stack.ready(API, WORKER)
    async with await Client.register(stack.url) as client:
        data = await asyncio.to_thread(small.read_bytes)
        await client.becomes_ready(await client.upload_bytes(data, "first.mp4"))
        await ask(client)
        await settled(stack)
        before = await scrape(stack)
        await client.becomes_ready(await client.upload_bytes(data, f"{uuid4().hex}.mp4"))
        for _ in range(_ROUNDS):
            await ask(client)
        await settled(stack)
        after = await scrape(stack)
    # What happens for the first time may well add some, but not as often as things happen.
    assert len(after) - len(before) < 4 * _ROUNDS, sorted(after - before)
    labels = {label for series in after for label in _LABEL.findall(series)}
    assert [label for label in labels if _ID.search(label)] == []
    assert {"_OTHER", "unmatched"} <= labels
