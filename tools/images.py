"""Builds the container images with what the machine has, Docker or Buildah: `make images`.

    python tools/images.py --tag 1.2.0 --python-base NAME --nginx-base NAME [api worker console]

Bases are those that the Dockerfiles pin by digest unless others are named. The result is printed:
one line an image, its name and its size. Uses nothing but the standard library.

What pip and npm are told on this machine (an index of a company's own, the certificate of its
proxy) is lent to the build as secrets, which leave no trace in an image or its history.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILES: Mapping[str, str] = {
    "api": "app/Dockerfile",
    "worker": "workers/Dockerfile",
    "console": "app/console/Dockerfile",
}
_MB = 1_000_000
# The time of every file and layer, 1980: the same source makes the same layers, whenever and from
# whichever commit. Which commit it was, a label says.
_EPOCH = 315_532_800


class BuildFailed(Exception):
    """A person has to do something; the message says what."""


def engine() -> str:
    """`docker` where its daemon answers, else `buildah`.

    Raises:
        BuildFailed: there is neither.
    """
    if shutil.which("docker") and _quiet("docker", "info").returncode == 0:
        return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise BuildFailed("needs Docker or Buildah; on Debian: apt install buildah runc")


def build(name: str, *, tag: str, base: str | None, using: str) -> str:
    """Builds one image; gives the name it can be run by.

    Args:
        name: A key of DOCKERFILES.
        base: Base image instead of the pinned one.
        using: `docker` or `buildah`.
    """
    image = f"spool-{name}:{tag}"
    # Not by arguments of the Dockerfiles: Buildah takes a kept layer for the same when they differ.
    labels = {
        "version": tag,
        "revision": _git("rev-parse", "HEAD") or "unknown",
        "source": os.environ.get("SPOOL_IMAGE_SOURCE", ""),
    }
    arguments = {}
    if base:
        arguments["BASE_IMAGE"] = base
    if using == "docker":
        command = ["docker", "buildx", "build", "--load"]
        arguments["SOURCE_DATE_EPOCH"] = str(_EPOCH)
    else:
        # Docker's format, because OCI's has no health check. The machine's own network, so that
        # nothing has to be set up for one.
        command = ["buildah", "build", "--format=docker", "--layers", "--network=host"]
        command += [f"--timestamp={_EPOCH}", *_ulimits()]
    for key, value in arguments.items():
        command += ["--build-arg", f"{key}={value}"]
    for key, value in labels.items():
        if value:
            command += ["--label", f"org.opencontainers.image.{key}={value}"]
    for secret, path in secrets().items():
        command += ["--secret", f"id={secret},src={path}"]
    command += ["--file", DOCKERFILES[name], "--tag", image, "."]
    done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"{using} could not build {image}; what it said is above")
    return image if using == "docker" else f"localhost/{image}"


def secrets() -> Mapping[str, Path]:
    """Files of this machine that a build may read, by the name that the Dockerfiles know."""
    home = Path.home()
    candidates = {
        "pip_conf": (
            os.environ.get("PIP_CONFIG_FILE"),
            home / ".config/pip/pip.conf",
            "/etc/pip.conf",
        ),
        "npmrc": (os.environ.get("NPM_CONFIG_USERCONFIG"), home / ".npmrc"),
        "ca_bundle": (os.environ.get("PIP_CERT"), os.environ.get("SSL_CERT_FILE")),
    }
    found = {}
    for name, places in candidates.items():
        paths = [Path(place) for place in places if place]
        path = next((path for path in paths if path.is_file()), None)
        if path:
            found[name] = path
    return found


def size(image: str, using: str) -> int:
    """Bytes of an image's layers, unpacked."""
    if using == "docker":
        return int(_quiet("docker", "image", "inspect", "--format={{.Size}}", image).stdout)
    mounted = _quiet("buildah", "images", "--json", image).stdout
    # "123 MB": Buildah writes it for people.
    number, unit = mounted.partition('"size": "')[2].partition('"')[0].split()
    return round(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])


def _ulimits() -> Sequence[str]:
    """Limits that this process may pass on: Buildah asks for more than some machines allow."""
    import resource

    numbers = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    limits = []
    for name, number in numbers.items():
        hard = resource.getrlimit(number)[1]
        most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
        limits.append(f"--ulimit={name}={most}:{most}")
    return limits


def _git(*words: str) -> str:
    return _quiet("git", "-C", str(ROOT), *words).stdout.strip()


def _quiet(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Builds Spool's container images.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(DOCKERFILES)}; all without")
    parser.add_argument("--tag", default=_git("rev-parse", "--short=12", "HEAD") or "latest")
    parser.add_argument("--python-base", help="Debian with Python 3.11 and its venv")
    parser.add_argument("--nginx-base", help="nginx and wget, on Debian or Alpine")
    parser.add_argument("--engine", choices=("docker", "buildah"), help="what there is, without")
    options = parser.parse_args(words)
    names = options.names or list(DOCKERFILES)
    if unknown := set(names) - set(DOCKERFILES):
        raise BuildFailed(f"no such image: {', '.join(sorted(unknown))}")
    using = options.engine or engine()
    for name in names:
        began = time.monotonic()
        base = options.nginx_base if name == "console" else options.python_base
        image = build(name, tag=options.tag, base=base, using=using)
        seconds = time.monotonic() - began
        sys.stdout.write(f"{image}  {size(image, using) / _MB:.0f} MB  {seconds:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BuildFailed as error:
        sys.exit(f"images: {error}")
