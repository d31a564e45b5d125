"""`spool upload` and its sisters, against a Spool that runs."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.slow_link import SlowLink

MIB = 1024 * 1024
PART = 5 * MIB


@pytest.fixture(scope="module")
def link(machine: Machine) -> Iterator[SlowLink]:
    """Between the command line and the store: signed links point to the public URL."""
    with SlowLink(lambda: int((machine.url or "").rpartition(":")[2])) as link:
        yield link


@pytest.fixture(scope="module")
def spool(machine: Machine, link: SlowLink) -> Iterator[Machine]:
    with machine.up("--port", "0", "--public-url", link.url):
        yield machine


@pytest.fixture(scope="module")
def uploaded(spool: Machine, clip: Path) -> dict[str, Any]:
    done = spool.run("upload", str(clip), "--title", "Öffnungs [night]", "--wait", "--json")
    assert done.status == 0, done.err
    (asset,) = done.json()["items"]
    assert isinstance(asset, dict)
    return asset


def test_what_is_uploaded_plays(uploaded: dict[str, Any], clip: Path) -> None:
    assert uploaded["state"] == "ready"
    assert uploaded["sent_bytes"] == clip.stat().st_size
    # As a player goes: the list of renditions, the list of segments, a segment.
    master = httpx.get(uploaded["playback_ids"][0]["urls"]["hls"])
    variant = master.url.join(_first_uri(master.text))
    playlist = httpx.get(variant)
    segment = httpx.get(variant.join(_first_uri(playlist.text)))
    assert segment.status_code == 200
    assert segment.content[4:8] in {b"styp", b"moof"}


def test_it_is_listed_and_explained(spool: Machine, uploaded: dict[str, Any]) -> None:
    found = spool.run("assets", "--search", "NIGHT", "--state", "ready", "--json").json()
    assert [asset["id"] for asset in found["items"]] == [uploaded["id"]]
    assert "Öffnungs [night]" in spool.run("assets").out

    said = spool.run("show", uploaded["id"])
    assert said.status == 0
    assert "ready to play" in said.out
    assert "320x180" in said.out

    (job, *_) = spool.run("jobs", "--json").json()["items"]
    assert "succeeded" in spool.run("show", job["id"]).out


def test_a_file_that_is_no_video(spool: Machine, tmp_path: Path) -> None:
    file = tmp_path / "notes.mp4"
    file.write_text("Milk, eggs, bread. " * 500)
    done = spool.run("upload", str(file), "--wait")
    assert done.status == 1
    assert "not a video" in done.out
    asset_id = done.out.split()[0]
    assert "not a video" in spool.run("show", asset_id).out
    # It does not get better by trying again; but whoever wants to may.
    assert spool.run("retry", asset_id).status == 0


def test_what_ended_cannot_be_retried_or_cancelled(
    spool: Machine, uploaded: dict[str, Any]
) -> None:
    assert spool.run("retry", uploaded["id"]).status == 1
    done = spool.run("cancel", uploaded["id"])
    assert done.status == 1
    assert "Nothing runs" in done.err


def test_a_key_of_fewer_rights(spool: Machine) -> None:
    made = spool.run("keys", "create", "reader", "--scope", "assets:read", "--json").json()
    with_key = ("--server", spool.url or "", "--api-key", made["key"])
    assert spool.run(*with_key, "assets").status == 0
    refused = spool.run(*with_key, "keys", "list")
    assert refused.status == 1
    assert "keys:read" in refused.err

    assert spool.run("keys", "revoke", made["id"]).status == 0
    listed = spool.run("keys", "list", "--json").json()["items"]
    (key,) = [key for key in listed if key["id"] == made["id"]]
    assert key["revoked_at"] is not None
    assert "key" not in key


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_an_interrupted_upload_goes_on(
    spool: Machine, link: SlowLink, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    file = tmp_path / "large.mov"
    with file.open("wb") as content:
        content.truncate(80 * PART - 1)

    # Four connections share this, so that one of them at least has sent a whole part.
    link.hold_after(4 * PART + 8 * MIB)
    first = spool.launch("upload", str(file))
    try:
        assert link.held.wait(60)
        upload_id = _begun(spool)
        first.send_signal(number)
        _, err = first.communicate(timeout=30)
        assert first.returncode == status, err
    finally:
        # Or the tests behind this one wait as well.
        link.release()
    until(lambda: _stored(spool), "no part arrives")
    arrived = _stored(spool)
    assert arrived < 80

    done = spool.run("upload", str(file), "--json")
    assert done.status == 0, done.err
    (asset,) = done.json()["items"]
    assert asset["upload_id"] == upload_id
    # Up to four parts were on their way, and may have been stored after we counted.
    kept = 80 * PART - 1 - asset["sent_bytes"]
    assert arrived * PART <= kept <= (arrived + 4) * PART
    assert list((spool.state / "uploads").iterdir()) == []


def test_a_changed_file_is_a_new_upload(spool: Machine, tmp_path: Path, clip: Path) -> None:
    file = tmp_path / "again.mp4"
    file.write_bytes(clip.read_bytes())
    ids = set()
    for _ in range(2):
        (asset,) = spool.run("upload", str(file), "--json").json()["items"]
        ids.add(asset["id"])
        os.utime(file)
    assert len(ids) == 2


def _begun(spool: Machine) -> str | None:
    """The upload that the command line remembers, once the server has named it."""
    for kept in (spool.state / "uploads").glob("*.json"):
        found = re.search(r'"upload_id": "(upl_\w+)"', kept.read_text())
        if found:
            return found.group(1)
    return None


def _stored(spool: Machine) -> int:
    """How many parts of that upload the store has."""
    upload_id = _begun(spool)
    if upload_id is None:
        return 0
    key = re.search(r'"api_key": "(\S+)"', (spool.state / "account.json").read_text())
    assert key is not None
    answer = httpx.get(
        f"{spool.url}/v1/uploads/{upload_id}/parts",
        headers={"Authorization": f"Bearer {key.group(1)}"},
    )
    return len(answer.json()["items"])


def _first_uri(playlist: str) -> str:
    return next(line for line in playlist.splitlines() if line and not line.startswith("#"))
