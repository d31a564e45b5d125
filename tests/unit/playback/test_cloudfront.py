from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from app.foundation.cloudfront_signing import CloudFrontSigner
from app.playback.cloudfront import CloudFrontDelivery
from app.playback.delivery import Audience
from tests.servers.cdn import check, make_key

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)
PRIVATE, PUBLIC = make_key("ecdsa")
SIGNER = CloudFrontSigner({"K": PRIVATE.encode()}, "K")


def delivery(url: str, domain: str | None = None) -> CloudFrontDelivery:
    return CloudFrontDelivery(url, SIGNER, cookie_domain=domain, clock=lambda: NOW)


@pytest.mark.parametrize(
    "url", ["https://cdn.example", "https://cdn.example/", "https://c.example/x/"]
)
def test_a_distribution_may_have_a_path_and_a_slash(url: str) -> None:
    grant = delivery(url).grant("renditions/a/t.1/", UNTIL, Audience.EVERYBODY)
    address, _, query = grant.url("360p/init.mp4").partition("?")
    assert address == f"{url.rstrip('/')}/renditions/a/t.1/360p/init.mp4"
    check(address, dict(parse_qsl(query)), {"K": PUBLIC}, NOW)
    assert delivery(url).origin == "/".join(url.split("/")[:3])


def test_cookies_are_for_the_prefix_and_last_as_long_as_the_grant() -> None:
    shared = delivery("https://media.example/x", "example")
    grant = shared.grant("renditions/a/t.1", UNTIL, Audience.VIEWER, cookies=True)
    assert grant.url("360p/init.mp4") == "https://media.example/x/renditions/a/t.1/360p/init.mp4"
    assert grant.carries_over
    assert {(c.path, c.domain, c.seconds) for c in grant.cookies} == {
        ("/x/renditions/a/t.1", "example", 3600)
    }
    given = {c.name.removeprefix("CloudFront-"): c.value for c in grant.cookies}
    check(grant.url("360p/init.mp4"), given, {"K": PUBLIC}, NOW)


@pytest.mark.parametrize(("domain", "cookies"), [(None, True), ("example", False)])
def test_who_cannot_have_cookies_gets_a_query(domain: str | None, cookies: bool) -> None:
    grant = delivery("https://media.example", domain).grant(
        "renditions/a/t.1", UNTIL, Audience.VIEWER, cookies=cookies
    )
    assert grant.query
    assert grant.cookies == ()
    assert not grant.carries_over
