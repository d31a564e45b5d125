"""Signatures as CloudFront takes them: by a verifier of our own, and by botocore's signer."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from botocore.signers import CloudFrontSigner as BotocoreSigner
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from app.foundation.cloudfront_signing import CloudFrontSigner, _encode
from tests.servers.cdn import Refused, _decode, check, make_key

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)
RESOURCE = "https://cdn.example/renditions/ast_1/tsk_1.1/*"
URL = "https://cdn.example/renditions/ast_1/tsk_1.1/360p/seg_00001.m4s"
RSA, RSA_PUBLIC = make_key()
OLD, OLD_PUBLIC = make_key()
EC, EC_PUBLIC = make_key("ecdsa")
GROUP = {"K_RSA": RSA_PUBLIC, "K_OLD": OLD_PUBLIC, "K_EC": EC_PUBLIC}
KEYS = {"K_RSA": RSA.encode(), "K_OLD": OLD.encode(), "K_EC": EC.encode()}


@pytest.mark.parametrize("current", list(KEYS))
def test_one_policy_opens_everything_under_its_prefix_until_it_expires(current: str) -> None:
    signed = CloudFrontSigner(KEYS, current).sign(RESOURCE, UNTIL)
    fields = dict(signed.fields)
    assert signed.key_pair_id == current
    assert dict(parse_qsl(signed.query)) == fields
    for url in (URL, RESOURCE.replace("*", "a/b/c.mp4"), RESOURCE.replace("*", "")):
        assert check(url, fields, GROUP, UNTIL - timedelta(seconds=1))["resource"] == RESOURCE
    with pytest.raises(Refused, match="Expired"):
        check(URL, fields, GROUP, UNTIL)
    for url in (
        URL.replace("tsk_1.1", "tsk_1.2"),
        URL.replace("tsk_1.1", "tsk_1x1"),
        URL.replace("cdn.", "other."),
        URL.replace("https", "http"),
        "https://cdn.example/",
    ):
        with pytest.raises(Refused, match="Another resource"):
            check(url, fields, GROUP, NOW)


@pytest.mark.parametrize("current", list(KEYS))
def test_what_is_changed_opens_nothing(current: str) -> None:
    fields = dict(CloudFrontSigner(KEYS, current).sign(RESOURCE, UNTIL).fields)
    longer = CloudFrontSigner(KEYS, current).sign(RESOURCE, UNTIL + timedelta(days=1))
    other = next(name for name in KEYS if name != current)
    changes = (
        {"Policy": longer.policy},
        {"Signature": longer.signature},
        {"Key-Pair-Id": other},
        {"Key-Pair-Id": "K_NONE"},
        {"Signature": fields["Signature"][:-8]},
    )
    for change in changes:
        with pytest.raises(Refused):
            check(URL, fields | change, GROUP, NOW)
    for missing in fields:
        with pytest.raises(Refused):
            check(URL, {n: v for n, v in fields.items() if n != missing}, GROUP, NOW)


@pytest.mark.parametrize("current", list(KEYS))
def test_the_same_grant_is_the_same_text(current: str) -> None:
    """So that manifests keep their ETag."""
    signers = [CloudFrontSigner(KEYS, current) for _ in range(2)]
    assert len({signer.sign(RESOURCE, UNTIL) for signer in signers}) == 1


def test_botocore_signs_the_same() -> None:
    key = load_pem_private_key(RSA.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    theirs = BotocoreSigner("K_RSA", lambda text: key.sign(text, padding.PKCS1v15(), SHA1()))  # noqa: S303  # CloudFront's
    ours = CloudFrontSigner(KEYS, "K_RSA")
    policy = theirs.build_policy(RESOURCE, UNTIL)
    expected = theirs.generate_presigned_url(URL, policy=policy)
    assert expected == f"{URL}?{ours.sign(RESOURCE, UNTIL).query}"


@given(st.binary(max_size=100))
@settings(max_examples=50)
def test_nothing_of_it_needs_an_escape(data: bytes) -> None:
    encoded = _encode(data)
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")
    assert _decode(encoded) == data


def test_keys_that_cloudfront_does_not_take_are_refused_at_the_start() -> None:
    def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    for broken in (
        b"no key",
        pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505  # that is the point
        pem(ec.generate_private_key(ec.SECP384R1())),
        RSA_PUBLIC,
    ):
        with pytest.raises(ValueError, match="'K_NEW'"):
            CloudFrontSigner({"K_RSA": RSA.encode(), "K_NEW": broken}, "K_RSA")
    with pytest.raises(ValueError, match="no private key has the id 'K'"):
        CloudFrontSigner(KEYS, "K")
