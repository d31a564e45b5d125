"""The whole program, `__main__.py`, with the least configuration that each preset needs."""

import functools
import json
import runpy
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.infra.recorder import Recording, record

ROOT = Path(__file__).resolve().parents[2]
_DIGEST = "@sha256:" + "0" * 64


def minimal(preset: str) -> dict[str, str]:
    """What a stack of this preset must say."""
    config = {"preset": preset}
    if preset != "dev":
        config |= keys_of_the_cdn()
    if preset in ("staging", "prod"):
        config |= {"domain": f"{preset}.spool.example", "hostedZoneId": "Z123"}
    for kind in ("api", "worker", "console"):
        config[f"{kind}Image"] = (
            f"123456789012.dkr.ecr.us-east-1.amazonaws.com/spool/{kind}{_DIGEST}"
        )
    return config


@functools.cache
def keys_of_the_cdn() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    return {
        "cdnPublicKeys": json.dumps({"first": public}),
        "cdnPrivateKeys": json.dumps({"first": private}),
        "cdnSigningKey": "first",
    }


def run_program(
    preset: str = "dev", config: Mapping[str, str] | None = None, *, preview: bool = False
) -> Recording:
    """`__main__.py` as the engine runs it, on a stack that is called like its preset.

    Raises:
        Whatever the program raises.
    """

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

    return record(
        program, stack=preset, config={**minimal(preset), **(config or {})}, preview=preview
    )


def recording_of(preset: str, *, preview: bool = False) -> Recording:
    """What `run_program` says of a preset: once for all tests, which change nothing in it."""
    return _recording_of(preset, preview)


@functools.cache
def _recording_of(preset: str, preview: bool) -> Recording:
    return run_program(preset, preview=preview)
