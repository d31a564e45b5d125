"""`make demo` without make: what a newcomer sees first, and comes back to."""

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Done, Machine, listens, until


@pytest.fixture(scope="module")
def first(machine: Machine, clip: Path) -> Done:
    """`make demo VIDEO=… ONCE=1` in an empty folder."""
    return machine.run("up", "--once", "--port", "0", str(clip))


@pytest.fixture(scope="module")
def told(first: Done) -> dict[str, Any]:
    assert first.status == 0, first.err
    lines: list[str] = first.out.splitlines()
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def test_the_last_line_tells_a_program(told: dict[str, Any]) -> None:
    assert set(told) == {
        "asset_id",
        "state",
        "playback_url",
        "duration_ms",
        "renditions",
        "seconds",
    }
    assert told["state"] == "ready"
    assert told["asset_id"].startswith("ast_")
    assert told["playback_url"].endswith(".m3u8")
    assert abs(told["duration_ms"] - 2000) < 100
    kinds = {rendition["kind"] for rendition in told["renditions"]}
    assert kinds == {"video", "audio"}
    steps = {"upload", "ingest", "probe", "encode", "package", "images", "verify", "publish"}
    assert steps <= set(told["seconds"])
    assert told["seconds"]["total"] >= max(told["seconds"].values()) > 0


def test_a_person_sees_steps_and_a_link(first: Done, told: dict[str, Any]) -> None:
    assert "Play it: http://127.0.0.1:" in first.err
    assert "encode     100%" in first.err
    assert told["asset_id"] in first.err


def test_it_ends_with_everything_stopped(machine: Machine, told: dict[str, Any]) -> None:
    assert machine.processes() == []
    assert not listens(told["playback_url"].rpartition("/")[0])


def test_what_is_secret_is_ours_alone(machine: Machine, told: dict[str, Any]) -> None:
    assert machine.state.stat().st_mode & 0o077 == 0
    for name in ("account.json", "signing.json"):
        assert (machine.state / name).stat().st_mode & 0o077 == 0


def test_the_second_start_finds_yesterdays_videos(machine: Machine, told: dict[str, Any]) -> None:
    with machine.up("--port", "0") as process:
        url = machine.url
        assert url is not None
        name = told["playback_url"].rpartition("/")[2]
        assert httpx.get(f"{url}/{name}").text.startswith("#EXTM3U")
        assert process.stdout is not None
        # It shows what there is when it already serves.
        assert any(told["asset_id"] in line for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Stopped." in out
    assert machine.processes() == []
    assert not listens(url)


def test_two_cannot_run_on_one_folder(machine: Machine, told: dict[str, Any]) -> None:
    with machine.up("--port", "0"):
        second = machine.run("up", "--port", "0")
        assert second.status == 1
        assert f"already, at {machine.url}" in second.err


def test_a_taken_port_is_passed_over(machine: Machine, told: dict[str, Any]) -> None:
    with machine.up("--port", "0"):
        port = int((machine.url or "").rpartition(":")[2])
        other = Machine(machine.state.parent / "other" / ".spool")
        other.state.parent.mkdir()
        with other.up("--port", str(port)) as process:
            assert other.url is not None
            assert int(other.url.rpartition(":")[2]) > port
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=30)
        assert f"Port {port} is taken" in out
    assert other.processes() == []


def test_a_killed_spool_leaves_nothing_behind(machine: Machine, told: dict[str, Any]) -> None:
    with machine.up("--port", "0") as process:
        assert len(machine.processes()) > 3
        process.kill()
        process.wait()
        until(lambda: not machine.processes(), "processes are left", 45)


def test_what_dies_is_started_again(machine: Machine, told: dict[str, Any]) -> None:
    with machine.up("--port", "0") as process:
        url = machine.url
        children = [each for each in machine.processes() if "app.asgi" in each.cmdline()]
        (api,) = children
        api.kill()
        until(lambda: not api.is_running(), "the API is not gone")
        until(lambda: _is_ready(url), "the API does not come back")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert "The API was killed by SIGKILL; starting it again" in out


def _is_ready(url: str | None) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False
