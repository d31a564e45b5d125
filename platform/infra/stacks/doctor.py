"""Looks at everything that stacks need, and says what is missing. Changes nothing."""

import shutil
import subprocess
from collections.abc import Iterator

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.config.reading import NAMESPACE, ConfigInvalid
from infra.config.settings import Settings
from infra.stacks.environments import Environments
from infra.stacks.errors import StackFailed
from infra.stacks.reports import Check

_CLI_SECONDS = 20


def examine(stack: str | None = None) -> list[Check]:
    """All checks, in the order in which their failures should be mended."""
    checks = [_cli()]
    if checks[0].ok:
        checks.append(_backend())
    checks.append(_login())
    if stack is not None and all(check.ok for check in checks[:2]):
        checks.extend(_stack(stack))
    return checks


def _cli() -> Check:
    question, advice = "Pulumi CLI", "Install it from pulumi.com, and put it on the PATH."
    program = shutil.which("pulumi")
    if program is None:
        return Check(question, False, "not on the PATH", advice)
    done = subprocess.run(
        [program, "version"], capture_output=True, text=True, timeout=_CLI_SECONDS, check=False
    )
    return Check(question, done.returncode == 0, (done.stdout or done.stderr).strip(), advice)


def _backend() -> Check:
    question = "Backend of the state"
    try:
        stacks = Environments().all()
    except StackFailed as error:
        return Check(
            question,
            False,
            str(error),
            "Set PULUMI_BACKEND_URL as `spool-env bootstrap` prints it.",
        )
    return Check(question, True, f"{len(stacks)} stacks")


def _login() -> Check:
    question, advice = "Login at AWS", "Sign in: aws sso login, or set AWS_PROFILE."
    try:
        who = boto3.client("sts", region_name="us-east-1").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        return Check(question, False, str(error), advice)
    return Check(question, True, f"{who['Arn']} in account {who['Account']}")


def _stack(name: str) -> Iterator[Check]:
    try:
        environment = Environments().get(name)
        config = environment.config()
    except StackFailed as error:
        yield Check(f"Stack {name}", False, str(error))
        return
    prefix = f"{NAMESPACE}:"
    values = {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}
    try:
        Settings.of(NAMESPACE, name, values)
    except ConfigInvalid as error:
        yield Check(f"Configuration of {name}", False, "; ".join(error.problems))
        return
    yield Check(f"Configuration of {name}", True, f"preset {values.get('preset', 'dev')}")
