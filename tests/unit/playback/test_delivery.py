from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.errors import Forbidden
from app.foundation.signing import UrlSigner
from app.playback.delivery import MEDIA_PATH, ApiDelivery, Audience, shared_expiry

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
SIGNER = UrlSigner({"k": b"x" * 32}, "k")
HOUR = timedelta(hours=1)


def open_path(path: str, at: datetime = NOW) -> tuple[Audience, str]:
    grant, _, rest = path.removeprefix(f"{MEDIA_PATH}/").partition("/")
    return ApiDelivery(SIGNER, clock=lambda: at).open(grant, rest)


@pytest.mark.parametrize("audience", list(Audience))
def test_a_grant_opens_what_is_under_its_prefix_until_it_expires(audience: Audience) -> None:
    grant = ApiDelivery(SIGNER).grant("renditions/a/t.1/", NOW + HOUR, audience)
    assert grant.carries_over
    path = grant.url("360p/seg_00001.m4s")
    assert open_path(path) == (audience, "renditions/a/t.1/360p/seg_00001.m4s")
    with pytest.raises(Forbidden, match="expired"):
        open_path(path, NOW + HOUR)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/private/", "/public/"),
        ("t.1/", "t.2/"),
        ("t.1/", "t.1x/"),
        ("t.1/", "t.1/../t.2/"),
        ("/360p/seg", ""),
    ],
)
def test_a_grant_opens_nothing_else(old: str, new: str) -> None:
    grant = ApiDelivery(SIGNER).grant("renditions/a/t.1", NOW + HOUR, Audience.VIEWER)
    path = grant.url("360p/seg")
    assert old in path
    with pytest.raises(Forbidden):
        open_path(path.replace(old, new))


@given(st.integers(0, 4 * 10**9), st.integers(60, 10**6))
def test_everybody_within_an_hour_gets_the_same_expiry(instant: int, seconds: int) -> None:
    now, lasts = datetime.fromtimestamp(instant, tz=UTC), timedelta(seconds=seconds)
    expiry = shared_expiry(now, lasts)
    assert lasts <= expiry - now < lasts + HOUR
    assert shared_expiry(expiry - lasts, lasts) == expiry
