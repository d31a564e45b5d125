"""What Secrets Manager calls to rotate a login's password, in four steps.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

The app has two logins, one named like the other with `_clone` behind it, and its secret names one
of them. The other gets the new password, and the secret names that one from then on: who holds the
old credentials goes on with them until the next rotation. The owner of the database has no twin; it
is asked for by migrations only, which read its secret when they start.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from .logins import Credentials, Server, set_own_password, set_twin

_AUTHORITY = Path(__file__).resolve().parents[1] / "aws_roots.pem"
_TWIN = "_clone"
_LENGTH = 40


@dataclass(frozen=True)
class Place:
    """What is rotated, and where.

    Args:
        owner_secret: ARN of the secret of the owner, who may make logins.
        login_secrets: ARN by login, where a proxy has to know both logins of the app at once.
    """

    server: Server
    owner_secret: str
    login_secrets: Mapping[str, str]


def handle(event: Mapping[str, str], _context: object) -> None:
    """One step, of the secret and the version that the event names.

    Raises:
        pg8000.exceptions.Error: the database refuses, or is away; Secrets Manager tries again.
    """
    place = Place(
        server=Server(
            host=os.environ["DATABASE_HOST"],
            port=int(os.environ["DATABASE_PORT"]),
            database=os.environ["DATABASE_NAME"],
            authority=_AUTHORITY,
        ),
        owner_secret=os.environ["OWNER_SECRET"],
        login_secrets=json.loads(os.environ["LOGIN_SECRETS"]),
    )
    Rotation(
        boto3.client("secretsmanager"), place, event["SecretId"], event["ClientRequestToken"]
    ).step(event["Step"])


class Rotation:
    """One rotation of one secret.

    Args:
        secrets: A client of Secrets Manager.
        secret: ARN of the secret that is rotated.
        token: Id of the version that is to become the current one.
    """

    def __init__(self, secrets: Any, place: Place, secret: str, token: str) -> None:
        self._secrets = secrets
        self._place = place
        self._secret = secret
        self._token = token

    def step(self, name: str) -> None:
        """Any step may come twice.

        Raises:
            KeyError: there is no such step.
        """
        if "AWSCURRENT" in self._stages().get(self._token, []):
            return
        {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }[name]()

    def _create(self) -> None:
        try:
            self._pending()
        except self._secrets.exceptions.ResourceNotFoundException:
            current = self._current(self._secret)
            password = self._secrets.get_random_password(
                PasswordLength=_LENGTH, ExcludePunctuation=True
            )["RandomPassword"]
            self._secrets.put_secret_value(
                SecretId=self._secret,
                ClientRequestToken=self._token,
                SecretString=Credentials(self._next(current), password).text(),
                VersionStages=["AWSPENDING"],
            )

    def _set(self) -> None:
        server, pending = self._place.server, self._pending()
        current = self._current(self._secret)
        if self._is_owner:
            if not server.lets_in(pending):
                with server.connection(current) as connection:
                    set_own_password(connection, pending)
            return
        with server.connection(self._current(self._place.owner_secret)) as connection:
            set_twin(connection, pending, like=current.username)
        known_to_proxy = self._place.login_secrets.get(pending.username)
        if known_to_proxy:
            self._secrets.put_secret_value(SecretId=known_to_proxy, SecretString=pending.text())

    def _test(self) -> None:
        with self._place.server.connection(self._pending()) as connection:
            connection.run("SELECT 1")

    def _finish(self) -> None:
        before = next(
            version for version, stages in self._stages().items() if "AWSCURRENT" in stages
        )
        self._secrets.update_secret_version_stage(
            SecretId=self._secret,
            VersionStage="AWSCURRENT",
            MoveToVersionId=self._token,
            RemoveFromVersionId=before,
        )

    @property
    def _is_owner(self) -> bool:
        return self._secret == self._place.owner_secret

    def _next(self, current: Credentials) -> str:
        name = current.username
        if self._is_owner:
            return name
        return name.removesuffix(_TWIN) if name.endswith(_TWIN) else name + _TWIN

    def _stages(self) -> Mapping[str, list[str]]:
        described = self._secrets.describe_secret(SecretId=self._secret)
        stages: Mapping[str, list[str]] = described.get("VersionIdsToStages", {})
        return stages

    def _current(self, secret: str) -> Credentials:
        answer = self._secrets.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
        return Credentials.of(answer["SecretString"])

    def _pending(self) -> Credentials:
        answer = self._secrets.get_secret_value(
            SecretId=self._secret, VersionId=self._token, VersionStage="AWSPENDING"
        )
        return Credentials.of(answer["SecretString"])
