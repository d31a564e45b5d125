"""The embedded PostgreSQL, through everything that happens to a server on one's own machine."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from app.local import postgres_host
from app.local.postgres import LocalPostgres
from app.local.postgres_cluster import DiskFull, failure
from app.local.postgres_host import (
    Account,
    PostgresError,
    choose_account,
    known_place,
    programs_for,
    reaches,
)

AS_ROOT = os.geteuid() == 0
START = "import sys; from pathlib import Path; from app.local.postgres import LocalPostgres\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalPostgres]:
    """One cluster for the tests that leave it as they found it, if not always running."""
    # Unlike pytest's own folders, one that any account can pass through.
    root = Path(tempfile.mkdtemp(prefix="spool-postgres-"))
    root.chmod(0o755)
    postgres = LocalPostgres(root / "state")
    try:
        yield postgres.start()
    finally:
        postgres.destroy()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def server(cluster: LocalPostgres) -> LocalPostgres:
    return cluster.start()


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def kill(postgres: LocalPostgres) -> int:
    pid = postgres.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: postgres.pid is None)
    return pid


async def test_the_owner_owns_the_database_and_is_no_superuser(server: LocalPostgres) -> None:
    assert await query(
        server.owner_url,
        "SELECT pg_get_userbyid(datdba) = current_user AND NOT rolsuper AND rolcreaterole "
        "FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user",
    )


async def test_the_app_cannot_make_anything(server: LocalPostgres) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(server.app_url, "CREATE TABLE mine (id int)")


async def test_a_database_can_be_made_from_a_template(server: LocalPostgres) -> None:
    await query(server.admin_url(), "CREATE DATABASE copy TEMPLATE spool OWNER spool_owner")
    assert await query(server.admin_url("copy"), "SELECT current_database()") == "copy"
    await query(server.admin_url(), "DROP DATABASE copy")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("server_encoding", "UTF8"),
    ],
)
async def test_it_is_durable_and_private(server: LocalPostgres, setting: str, value: str) -> None:
    assert await query(server.admin_url(), f"SHOW {setting}") == value


async def test_nobody_comes_in_without_the_password(server: LocalPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(f"postgresql://postgres:guess@127.0.0.1:{server.port}/postgres", "SELECT 1")


def test_the_passwords_are_for_their_owner_only(server: LocalPostgres) -> None:
    mode = (server.state_dir / "credentials.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_a_restart_keeps_rows_port_and_passwords(server: LocalPostgres) -> None:
    await query(server.admin_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    url = server.admin_url()
    server.stop()
    assert server.pid is None
    LocalPostgres(server.state_dir).start().stop()
    server.start()
    assert server.admin_url() == url
    assert await query(url, "SELECT answer FROM kept") == 42
    await query(url, "DROP TABLE kept")


async def test_a_committed_row_survives_kill_9(server: LocalPostgres) -> None:
    await query(server.admin_url(), "CREATE TABLE survived AS SELECT 1 AS one")
    kill(server)
    server.start()
    assert await query(server.admin_url(), "SELECT one FROM survived") == 1
    await query(server.admin_url(), "DROP TABLE survived")


def test_a_second_start_attaches_and_does_not_stop_it(server: LocalPostgres) -> None:
    with LocalPostgres(server.state_dir) as second:
        assert second.pid == server.pid
        assert second.owner_url == server.owner_url
    assert server.pid is not None


def test_one_that_attached_stops_it_when_told(server: LocalPostgres) -> None:
    second = LocalPostgres(server.state_dir).start()
    second.stop(attached=True)
    assert server.pid is None


def test_the_server_of_a_killed_process_is_taken_over(server: LocalPostgres) -> None:
    server.stop()
    code = f"{START}LocalPostgres(Path(sys.argv[1])).start(); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(server.state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        starter.kill()
    orphan = server.pid
    assert orphan is not None
    assert server.start().pid == orphan
    server.stop()
    assert server.pid is None


def test_starts_at_once_make_one_server(server: LocalPostgres) -> None:
    server.stop()
    code = f"{START}p = LocalPostgres(Path(sys.argv[1])).start(); print(p.pid, flush=True); input()"
    argv = [sys.executable, "-c", code, str(server.state_dir)]
    starters = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)
    ]
    pids = {starter.stdout.readline() for starter in starters if starter.stdout}
    for starter in starters:
        starter.communicate(b"\n")
    assert pids == {f"{server.pid}\n".encode()}


def test_a_port_that_is_taken_is_given_up(server: LocalPostgres) -> None:
    server.stop()
    taken = server.port
    with socket.create_server(("127.0.0.1", taken)):
        server.start()
    assert server.port != taken


def test_a_process_id_that_went_to_a_stranger_is_no_obstacle(server: LocalPostgres) -> None:
    account = choose_account(None, server.state_dir / "data")
    dead = kill(server)
    pid_file = server.state_dir / "data" / "postmaster.pid"
    with subprocess.Popen(
        ["sleep", "60"],
        user=account.uid if account else None,
        group=account.gid if account else None,
    ) as stranger:
        assert str(dead) in pid_file.read_text()
        pid_file.write_text(pid_file.read_text().replace(str(dead), str(stranger.pid), 1))
        server.start()
        assert server.pid not in (None, stranger.pid)
        stranger.kill()


def test_what_the_server_says_is_in_the_error(server: LocalPostgres) -> None:
    server.stop()
    configuration = server.state_dir / "data" / "postgresql.auto.conf"
    before = configuration.read_text()
    configuration.write_text("work_mem = 'plenty'\n")
    try:
        with pytest.raises(PostgresError, match="work_mem"):
            server.start()
    finally:
        configuration.write_text(before)


def test_a_cluster_that_was_begun_and_not_finished_is_begun_anew(tmp_path: Path) -> None:
    begun = tmp_path / "data.new" / "base"
    begun.mkdir(parents=True)
    (begun / "half").write_text("of a file")
    postgres = LocalPostgres(tmp_path)
    try:
        assert postgres.start().pid is not None
    finally:
        postgres.destroy()
    assert not tmp_path.exists()


def test_a_full_disk_is_named() -> None:
    error = failure("initdb failed", "could not write: No space left on device")
    assert isinstance(error, DiskFull)


def test_for_root_data_out_of_reach_moves_to_where_it_can_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    postgres = LocalPostgres(tmp_path / "state")
    try:
        postgres.start()
        place = known_place(postgres.state_dir)
        assert (place != postgres.state_dir) == AS_ROOT
        assert (place / "data" / "PG_VERSION").exists()
        assert not AS_ROOT or (place / "belongs-to").read_text() == f"{postgres.state_dir}\n"
    finally:
        postgres.destroy()
    assert not place.exists()


def test_programs_out_of_reach_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(uid=65534, gid=65534)
    package = programs_for(None).parents[1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, hidden / folder.name)
    system = Path(tempfile.mkdtemp(prefix="spool-system-"))
    system.chmod(0o755)
    monkeypatch.syspath_prepend(str(hidden))
    monkeypatch.setattr(postgres_host, "SYSTEM_FOLDERS", (system,))
    try:
        programs = programs_for(account)
        done = subprocess.run(
            [programs / "initdb", "--version"],
            user=account.uid if AS_ROOT else None,
            group=account.gid if AS_ROOT else None,
            extra_groups=[] if AS_ROOT else None,
            capture_output=True,
            check=False,
            cwd="/",
        )
        assert programs.is_relative_to(system)
        assert done.stdout.startswith(b"initdb (PostgreSQL)")
        assert programs_for(account) == programs
        assert len(list(system.iterdir())) == 1
    finally:
        shutil.rmtree(system)


def test_reach_goes_by_every_folder_on_the_way(tmp_path: Path) -> None:
    stranger = Account(uid=65533, gid=65533)
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o711)
        (folder / "inner").mkdir(mode=0o755)
        assert reaches(stranger, folder / "inner" / "data")
        folder.chmod(0o700)
        assert not reaches(stranger, folder / "inner" / "data")
    finally:
        shutil.rmtree(folder)
