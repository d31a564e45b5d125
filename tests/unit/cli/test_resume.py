import os
import stat
from pathlib import Path

import pytest

from app.cli.resume import Begun, SourceFile, UploadMemory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a b\udcff.mp4"
    path.write_bytes(b"some bytes")
    return path


def test_a_begun_upload_is_found_again_until_it_is_forgotten(tmp_path: Path, file: Path) -> None:
    source = SourceFile.of(file)
    memory = UploadMemory(tmp_path / "uploads", "http://one")
    assert memory.find(source) is None
    begun = Begun({"size_bytes": 10}).created("upl_1", "ast_1")
    memory.keep(source, begun)

    again = UploadMemory(tmp_path / "uploads", "http://one")
    assert again.find(SourceFile.of(file)) == begun
    again.forget(source)
    assert memory.find(source) is None


def test_another_server_or_another_content_is_another_upload(tmp_path: Path, file: Path) -> None:
    source = SourceFile.of(file)
    UploadMemory(tmp_path / "uploads", "http://one").keep(source, Begun({}))
    assert UploadMemory(tmp_path / "uploads", "http://two").find(source) is None

    os.utime(file, ns=(source.mtime_ns, source.mtime_ns + 1))
    assert UploadMemory(tmp_path / "uploads", "http://one").find(SourceFile.of(file)) is None


def test_nobody_else_reads_it(tmp_path: Path, file: Path) -> None:
    UploadMemory(tmp_path / "uploads", "http://one").keep(SourceFile.of(file), Begun({}))
    (kept,) = (tmp_path / "uploads").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
