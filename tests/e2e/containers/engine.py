"""Podman and Buildah with a storage of the tests' own, which is kept between runs.

No image is pulled. Bases come from debootstrap and the mirror that this machine's apt uses, once
a month; layers are found again by their content. All of it lies below ~/.cache/spool/containers
and is made anew when missing.
"""

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
TAG = "test"
OWNER = "spool.test.owner"
_TOOLS = ("buildah", "podman", "runc", "conmon", "debootstrap")
# What the official images of the same purpose have, as far as the Dockerfiles use it.
_PACKAGES: Mapping[str, Sequence[str]] = {
    "python": ("python3", "python3-venv", "ca-certificates"),
    "nginx": ("nginx-light", "ca-certificates", "wget"),
}
# Ours may be less than what Podman asks for by itself.
LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
_BUILD_SECONDS = 900
_KEPT_MIB = 8 * 1024


class Engine:
    """Runs Podman and Buildah as root of this machine.

    Args:
        cache: Folder for images and layers.
    """

    def __init__(self, cache: Path) -> None:
        self.folder = cache
        cache.mkdir(parents=True, exist_ok=True)
        run = Path("/run/spool-containers")
        storage, containers = cache / "storage.conf", cache / "containers.conf"
        storage.write_text(
            f'[storage]\ndriver = "{_driver(cache)}"\n'
            f'graphroot = "{cache / "graph"}"\nrunroot = "{run}"\n'
        )
        # Neither systemd nor a journal is asked for.
        containers.write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "none"\n'
        )
        self.environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(storage),
            "CONTAINERS_CONF": str(containers),
        }

    def podman(self, *words: str, check: bool = True, seconds: float = 120) -> str:
        done = subprocess.run(
            ["podman", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0 or not check, f"podman {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def remove_what_others_left(self) -> None:
        """Containers of test runs that were killed."""
        listed = self.podman("ps", "--all", f"--filter=label={OWNER}", "--format=json")
        for each in json.loads(listed or "[]"):
            if not psutil.pid_exists(int(each["Labels"][OWNER])):
                self.podman("rm", "--force", "--time=0", each["Id"])

    @functools.cached_property
    def images(self) -> Mapping[str, str]:
        """Names of the images by `api`, `worker` and `console`, as built from this source."""
        self._stay_small()
        bases = {name: self._base(name) for name in _PACKAGES}
        began = time.monotonic()
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    ROOT / "tools" / "images.py",
                    "--tag",
                    TAG,
                    "--engine",
                    "buildah",
                ),
                *("--python-base", bases["python"], "--nginx-base", bases["nginx"]),
            ],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-6000:]
        print(f"{done.stdout}images: {time.monotonic() - began:.0f} s")
        names = [line.split()[0] for line in done.stdout.splitlines()]
        return dict(zip(("api", "worker", "console"), names, strict=True))

    def _stay_small(self) -> None:
        """Lets go of layers that no image has any more, once they are many."""
        used = int(_run("du", "--summarize", "--block-size=M", str(self.folder)).split("M")[0])
        if used > _KEPT_MIB:
            self.podman("image", "prune", "--force")

    def _base(self, name: str) -> str:
        """A Debian with what official images have: made once a month, for its security updates."""
        suite, mirror = _debian()
        image = f"localhost/spool-base-{name}:{suite}-{time.strftime('%Y%m')}"
        if self.podman("image", "ls", "--quiet", image):
            return image
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            root = Path(folder) / "root"
            packages = ",".join(_PACKAGES[name])
            debootstrap = ["debootstrap", "--variant=minbase", f"--include={packages}", suite]
            _run(*debootstrap, str(root), mirror)
            tarball = Path(folder) / "root.tar"
            _run("tar", "--create", f"--file={tarball}", f"--directory={root}", ".")
            self.podman("import", "--quiet", str(tarball), image, seconds=300)
        return image


def require_tools() -> None:
    """Skips where this machine cannot run containers."""
    missing = [name for name in _TOOLS if not shutil.which(name, path=_path())]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("debootstrap and these containers need root")


def _path() -> str:
    # Debian keeps some of them where only root's PATH leads.
    return f"{os.environ['PATH']}:/usr/sbin:/sbin:/usr/libexec/podman:/usr/lib/podman"


def _debian() -> tuple[str, str]:
    """This machine's suite of Debian, and the mirror that its apt is set to."""
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        pytest.skip("needs Debian, whose mirror bases come from")
    suite = release["VERSION_CODENAME"]
    listed = _run(
        *("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"),
        "Created-By: Packages",
    )
    mirrors = [line.split()[1] for line in listed.splitlines() if line.split()[0] == suite]
    if not mirrors:
        pytest.skip(f"apt knows no mirror of {suite}")
    return suite, mirrors[0]


def _driver(cache: Path) -> str:
    """`overlay` where the file system takes it; else `vfs`, which copies everything."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        for name in ("lower", "upper", "work", "merged"):
            (Path(folder) / name).mkdir()
        layers = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        mount = ["mount", "-t", "overlay", "overlay", "-o", layers, f"{folder}/merged"]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            return "vfs"
        _run("umount", f"{folder}/merged")
    return "overlay"


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
