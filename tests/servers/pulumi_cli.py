"""The Pulumi CLI, whose engine runs programs: one that is there, or built from Go modules."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "3.259.0"  # the newest that Go's modules have
_MODULE = "github.com/pulumi/pulumi/pkg/v3"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_BUILD_SECONDS = 2400.0


def build() -> Path:
    """The folder of the program, built once for all runs; a laptop without Go skips.

    `go install` refuses the module, because it replaces another one by a folder beside it, so it is
    built as the tool of an empty module. The Automation API asks for the version, which only a
    linker flag sets.
    """
    released = shutil.which("pulumi")
    if released is not None:
        return Path(released).parent
    cache = Path.home() / ".cache" / "spool"
    program = cache / f"pulumi-{VERSION}" / "pulumi"
    if program.exists():
        return program.parent
    go = shutil.which("go")
    if go is None:
        pytest.skip("no pulumi on the PATH, and no Go to build it with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        flags = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
        for argv in (
            ["mod", "init", "example.invalid/pulumi"],
            ["get", f"{_MODULE}/cmd/pulumi@v{VERSION}", f"{_SDK}@v{VERSION}"],
            ["build", "-trimpath", "-ldflags", flags, "-o", "pulumi", f"{_MODULE}/cmd/pulumi"],
        ):
            subprocess.run(
                [go, *argv],
                cwd=folder,
                env=os.environ | {"GOFLAGS": "-buildvcs=false -mod=mod"},
                check=True,
                capture_output=True,
                timeout=_BUILD_SECONDS,
            )
        program.parent.mkdir(exist_ok=True)
        (Path(folder) / "pulumi").replace(program)
    return program.parent
