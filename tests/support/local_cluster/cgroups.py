"""The control groups of a cluster's pods, under one of its own in every hierarchy."""

import contextlib
import os
import time
from pathlib import Path


def hierarchies() -> list[Path]:
    """Where cgroups are mounted: several folders in version 1, one in version 2."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [Path(line[1]) for line in lines if line[2] in ("cgroup", "cgroup2")]


def make(root: str) -> None:
    """Make the group in every hierarchy: the kubelet wants its root to be there."""
    for hierarchy in hierarchies():
        (hierarchy / root.lstrip("/")).mkdir(exist_ok=True)


def remove(root: str) -> None:
    """Remove the group and those below it; a process that just ended may hold one for a moment."""
    for group in left(root):
        for folder, _, _ in os.walk(group, topdown=False):
            for _ in range(40):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
                if not os.path.isdir(folder):
                    break
                time.sleep(0.05)


def left(root: str) -> list[Path]:
    """The folders of the group that exist."""
    found = [hierarchy / root.lstrip("/") for hierarchy in hierarchies()]
    return [group for group in found if group.is_dir()]
