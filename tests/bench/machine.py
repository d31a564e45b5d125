"""What the figures were measured on."""

import platform
from functools import cache
from pathlib import Path

import psutil


@cache
def describe_machine() -> str:
    memory = psutil.virtual_memory().total / 1024**3
    return (
        f"{_cpu_model()}, {psutil.cpu_count()} CPUs, {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of its descendants, and of those of them that were waited for."""
    top = psutil.Process(pid)
    total = 0.0
    for process in (top, *top.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # Its parent has waited for it and answers for it now.
        total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_resident_bytes(pid: int) -> int:
    """The most memory that a process had at once since it started (VmHWM of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/status has no VmHWM")
