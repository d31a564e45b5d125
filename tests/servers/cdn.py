"""A distribution that trusts a key group: what CloudFront checks, in front of an object store.

Written from CloudFront's documentation of private content and not from what signs for it. It serves
what is behind `/` under the store's own keys, and refuses with 403 who has no signature of the key
group, an expired one, or one for something else.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.foundation.clock import utc_now
from app.foundation.storage.errors import NotFound
from app.foundation.storage.protocols import ObjectStore
from tests.servers.router import serving

_SIGNED_BY = ("Policy", "Signature", "Key-Pair-Id")


class Refused(Exception):
    """403, and why."""


def check(
    url: str, given: Mapping[str, str], group: Mapping[str, bytes], now: datetime
) -> dict[str, str]:
    """Whether a signature opens a URL.

    Args:
        url: Without the parameters of the signature.
        given: The parameters of the signature, by their names in a query.
        group: PEM public keys by their ids.

    Raises:
        Refused: it does not.
    """
    key_id = given.get("Key-Pair-Id", "")
    if "Signature" not in given or "Policy" not in given:
        raise Refused("MissingKey")
    if key_id not in group:
        raise Refused("Unknown key")
    text = _decode(given["Policy"])
    _check_signature(group[key_id], _decode(given["Signature"]), text)
    [statement] = json.loads(text)["Statement"]
    until = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
    if now.timestamp() >= until:
        raise Refused("Expired")
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild.get(c, re.escape(c)) for c in statement["Resource"])
    if not re.fullmatch(pattern, url):
        raise Refused("Another resource")
    return {"resource": statement["Resource"], "until": str(until)}


def _check_signature(pem: bytes, signature: bytes, text: bytes) -> None:
    key = form.load_pem_public_key(pem)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), SHA1())  # noqa: S303  # CloudFront's
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, text, ec.ECDSA(SHA1()))  # noqa: S303  # CloudFront's
        else:
            raise Refused("Unknown kind of key")
    except InvalidSignature as error:
        raise Refused("Wrong signature") from error


def _decode(text: str) -> bytes:
    plain = text.replace("-", "+").replace("_", "=").replace("~", "/")
    try:
        return base64.b64decode(plain, validate=True)
    except ValueError as error:
        raise Refused("Not base64") from error


@dataclass
class Distribution:
    """The distribution; what is changed here holds for the next request.

    Args:
        group: PEM public keys by their ids.
        url: By which it is reached, as policies name it.
        origins: Of pages that may send cookies along (a response headers policy).
        opened: For each request that was let through: its path, and by what.
        refused: For each that was not: its path, and why.
    """

    store: ObjectStore
    group: dict[str, bytes]
    url: str = ""
    origins: tuple[str, ...] = ()
    clock: Callable[[], datetime] = utc_now
    opened: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        headers = self._cors(request.headers.get("origin"))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        path = request.scope["raw_path"].decode()
        try:
            by = self._check(request, path)
        except Refused as error:
            self.refused.append((path, str(error)))
            return Response(f"<Error><Code>{error}</Code></Error>", 403, headers)
        try:
            # The path alone: neither query nor cookies reach the origin.
            blocks = [block async for block in self.store.read(path.removeprefix("/"))]
        except NotFound:
            return Response(status_code=404, headers=headers)
        self.opened.append((path, by))
        return Response(b"".join(blocks), headers=headers)

    def _check(self, request: Request, path: str) -> str:
        query = parse_qsl(request.url.query, keep_blank_values=True)
        given = {name: value for name, value in query if name in _SIGNED_BY}
        by = "query"
        if not given:
            by = "cookies"
            prefix = "CloudFront-"
            given = {n.removeprefix(prefix): v for n, v in request.cookies.items()}
        rest = "&".join(f"{name}={value}" for name, value in query if name not in _SIGNED_BY)
        check(self.url + path + (f"?{rest}" if rest else ""), given, self.group, self.clock())
        return by

    def _cors(self, origin: str | None) -> dict[str, str]:
        if origin in self.origins and origin:
            return {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Vary": "Origin",
            }
        return {"Access-Control-Allow-Origin": "*"}


@contextmanager
def distributing(store: ObjectStore, group: dict[str, bytes]) -> Iterator[Distribution]:
    """A distribution on a free port, until the block ends."""
    distribution = Distribution(store, group)
    with serving(distribution) as url:
        distribution.url = url
        yield distribution


def make_key(kind: str = "rsa") -> tuple[str, bytes]:
    """A private key in PEM and its public one, `rsa` or `ecdsa`."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ecdsa"
        else rsa.generate_private_key(65537, 2048)
    )
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(
        form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public
