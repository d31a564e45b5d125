"""Secrets that the application makes up: random, never plain, and left as they are."""

import json

import pulumi
import pytest

from app.settings import Settings
from infra.names import Names
from infra.state.secrets import Secrets, SecretsArgs
from tests.infra.recorder import Recording, record


def _recorded(*, recoverable: bool = False) -> Recording:
    def program() -> None:
        secrets = Secrets("secrets", SecretsArgs(Names("spool", "dev"), None, recoverable))
        pulumi.export(
            "keys", {name: each.key for name, each in secrets.signing_grant().secrets.items()}
        )

    return record(program)


def test_the_signing_keys_are_what_the_app_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = _recorded()
    version = recording.one("aws:secretsmanager/secretVersion:SecretVersion")
    # A rotation by hand is not undone by the next `up`.
    assert list(version.ignored) == ["secretString", "versionStages"]
    # Two rotations on, Secrets Manager still knows the version, and nothing is put in its place.
    assert set(version.inputs["versionStages"]) - {"AWSCURRENT", "AWSPREVIOUS"}
    # Wrapped: the engine encrypts it in the state and shows it to nobody.
    kept = json.loads(version.inputs["secretString"]["value"])
    for variable, key in recording.outputs["keys"].items():
        monkeypatch.setenv(variable, kept[key])
    monkeypatch.setenv("SPOOL_DATABASE_URL", "postgresql://spool@db.example/spool")
    monkeypatch.setenv("SPOOL_STORE_ROOT", "/")
    settings = Settings()  # type: ignore[call-arg]  # the environment gives what has no default
    assert len(settings.signing_secrets[settings.signing_key_id]) == 64


@pytest.mark.parametrize(("recoverable", "days"), [(False, 0), (True, 30)])
def test_where_nothing_is_kept_the_name_is_free_at_once(
    recoverable: bool, days: int
) -> None:  # a parameter of the test
    secret = _recorded(recoverable=recoverable).one("aws:secretsmanager/secret:Secret")
    assert secret.inputs["name"] == "/spool/dev/api/signing"
    assert bool(secret.protect) is recoverable
    assert secret.inputs["recoveryWindowInDays"] == days
