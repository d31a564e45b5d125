"""A new cluster of databases: made whole or not at all.

`initdb` and the roles are made in `data.new`, which becomes `data` by a rename: whatever dies in
between, a folder named `data` has everything. The roles are made in PostgreSQL's single-user mode,
before there is any port to connect to.
"""

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from app.local.postgres_host import Account, PostgresError

SUPERUSER = "postgres"
OWNER = "spool_owner"
LOGIN = "spool_login"
DATABASE = "spool"

# The whole environment of the server: no PGPORT, no PGOPTIONS, no secrets of ours, and messages
# in the one language that is recognised here.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


class DiskFull(PostgresError):
    """PostgreSQL found no space left on the device."""


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The passwords of the three logins, URL-safe."""

    superuser: str = field(default_factory=_password)
    owner: str = field(default_factory=_password)
    login: str = field(default_factory=_password)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Reads them from a file of mode 0600, which is made on first use."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            credentials = cls()
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(credentials), file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        return credentials


def run_as(
    account: Account | None, argv: list[str], *, cwd: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program of PostgreSQL to its end.

    Raises:
        DiskFull: as it says.
        PostgresError: it failed; with what it printed.
    """
    done = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        raise failure(f"{Path(argv[0]).name} failed", done.stdout[-1000:] + done.stderr[-4000:])
    return done


def failure(what: str, output: str) -> PostgresError:
    """The error for what PostgreSQL printed before it gave up."""
    if "No space left on device" in output:
        return DiskFull(f"{what}: the disk is full. Free some space and start again.\n{output}")
    return PostgresError(f"{what}:\n{output}")


def create_cluster(
    place: Path, programs: Path, account: Account | None, credentials: Credentials
) -> None:
    """Makes `place/data`: the superuser, the owner, the app's login and the owner's database.

    Raises:
        PostgresError: one of the programs failed.
    """
    new = place / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    password = place / "superuser.password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    if account:
        os.chown(new, account.uid, account.gid)
        os.chown(password, account.uid, account.gid)
    try:
        password.write_text(credentials.superuser)
        argv = [str(programs / "initdb"), "-D", str(new), "-U", SUPERUSER, "--pwfile"]
        argv += [str(password), "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]
        # PostgreSQL's own C.UTF-8, the same on every machine and in every release of the libc.
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run_as(account, argv, cwd=place)
    finally:
        password.unlink()
    single = [str(programs / "postgres"), "--single", "-D", str(new)]
    # A statement that fails ends the program, and is not printed: it holds a password.
    single += ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "postgres"]
    statements = [
        f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{credentials.owner}'",
        f"CREATE ROLE {LOGIN} LOGIN NOINHERIT PASSWORD '{credentials.login}'",
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
    ]
    run_as(account, single, cwd=place, stdin="\n".join(statements) + "\n")
    new.rename(place / "data")
