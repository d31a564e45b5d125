"""The Pulumi CLI, whose engine runs programs: one that is there, or built from Go modules."""

import shutil
import tempfile
from pathlib import Path

from tests.servers.kept import kept, require, run

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
    return kept(f"pulumi-{VERSION}", "pulumi", _build)


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
                seconds=_BUILD_SECONDS,
                GOFLAGS="-buildvcs=false -mod=mod",
            )
