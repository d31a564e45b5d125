"""The Pulumi CLI, whose engine runs programs: one that is there, or built from Go modules."""

import json
import shutil
import tempfile
from pathlib import Path

from tests.servers.kept import kept, require, run

VERSION = "3.259.0"  # a build of ten minutes: not changed lightly
_MODULE = "github.com/pulumi/pulumi/pkg/v3"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
BUILD_SECONDS = 2400.0
_SHIM = "pulumi-language-python-exec"


def build() -> Path:
    """The folder of the program, built once for all runs; a laptop without Go skips.

    `go install` refuses the module, because it replaces another one by a folder beside it, so it is
    built as the tool of an empty module. The Automation API asks for the version, which only a
    linker flag sets.
    """
    released = shutil.which("pulumi")
    if released is not None:
        return Path(released).parent
    return kept(f"pulumi-{VERSION}", "pulumi", _build)


def shim() -> Path:
    """What a language host runs a Python program by: a file in the module of Pulumi's SDK."""

    def copy(folder: Path) -> None:
        require("go")
        told = run(folder, "go", "mod", "download", "-json", f"{_SDK}@v{VERSION}")
        shutil.copy(Path(json.loads(told)["Dir"], "python", "cmd", _SHIM), folder)

    return kept(f"pulumi-python-{VERSION}", _SHIM, copy) / _SHIM


def _build(folder: Path) -> None:
    require("go")
    flags = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
    with tempfile.TemporaryDirectory() as module:
        for argv in (
            ["mod", "init", "example.invalid/pulumi"],
            ["get", f"{_MODULE}/cmd/pulumi@v{VERSION}", f"{_SDK}@v{VERSION}"],
            ["build", "-trimpath", "-ldflags", flags, "-o", folder, f"{_MODULE}/cmd/pulumi"],
        ):
            run(
                Path(module),
                "go",
                *argv,
                seconds=BUILD_SECONDS,
                GOFLAGS="-buildvcs=false -mod=mod",
            )
