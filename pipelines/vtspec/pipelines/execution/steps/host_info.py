"""What a run is carried out on: facts for people who compare results later."""

import os
import platform
import socket
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vtspec.pipelines.execution.environment import Environment


def machine() -> dict[str, Any]:
    """This machine: name, system, processor, cores, memory, GPUs."""
    facts = {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus(),
    }
    return {key: value for key, value in facts.items() if value}


def versions(environment: Environment) -> Mapping[str, str]:
    """vtspec's own version and those of the framework's environment."""
    return {"vtspec": version("vtspec"), **environment.versions}


def git(root: Path) -> dict[str, Any] | None:
    """The commit that `root` is at, and whether files differ from it; None outside of git."""
    commit = _words(["git", "-C", str(root), "rev-parse", "HEAD"])
    if commit is None:
        return None
    changes = _words(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])
    return {"commit": commit, "dirty": bool(changes)}


def gpus(program: str = "nvidia-smi") -> list[str]:
    """The GPUs by name, as NVIDIA's tool lists them; none without it."""
    names = _words([program, "--query-gpu=name", "--format=csv,noheader"])
    return names.splitlines() if names else []


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.machine()


def _words(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
