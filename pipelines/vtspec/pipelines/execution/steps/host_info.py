"""What a run is carried out on: facts for people who compare results later."""

import os
import platform
import socket
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from vtspec.pipelines.execution.environment import Environment
from vtspec.pipelines.project.git_command import (
    build_git_command,
    build_git_environment,
    list_filter_settings,
)
from vtspec.pipelines.runs.events import GitState


def describe_machine() -> Mapping[str, object]:
    """This machine: name, system, processor, cores, memory, GPUs."""
    facts = {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _find_processor(),
        # A container may use fewer cores than the machine has.
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": list_gpus(),
    }
    return {key: value for key, value in facts.items() if value}


def collect_versions(environment: Environment) -> Mapping[str, str]:
    """vtspec's own version and those of the framework's environment."""
    return {"vtspec": version("vtspec"), **environment.versions}


def find_git_state(
    root: Path, files: Sequence[str] = (), folders: Sequence[str] = ()
) -> GitState | None:
    """The commit that `root` is at, and whether files differ from it; None outside of git.

    Of the `files`, relative to `root`, one that git does not track differs too; of the `folders`
    one that it does not ignore either. Before the first commit all differ.
    """
    # A hook that starts a run has told git which repository and index are meant.
    variables = build_git_environment(os.environ, stays_here=False)
    commit = _read_output(build_git_command(root, "rev-parse", "HEAD"), variables)
    if commit is None:
        inside = _read_output(build_git_command(root, "rev-parse", "--git-dir"), variables)
        return None if inside is None else GitState(commit=None, dirty=True)
    # What a submodule configures would be started in it; whether it is at its commit is enough.
    words = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    changes = _read_output(
        build_git_command(root, *words, settings=list_filter_settings(root)), variables
    )
    return GitState(
        commit=commit,
        dirty=bool(changes)
        or _has_untracked(root, variables, files)
        or _has_untracked(root, variables, folders, "--exclude-standard"),
    )


def _has_untracked(
    root: Path, variables: Mapping[str, str], paths: Sequence[str], *options: str
) -> bool:
    if not paths:
        return False
    words = ("--literal-pathspecs", "ls-files", "--others", *options, "--", *paths)
    return bool(_read_output(build_git_command(root, *words), variables))


def list_gpus(program: str = "nvidia-smi") -> list[str]:
    """The GPUs by name, as NVIDIA's tool lists them; none without it."""
    names = _read_output([program, "--query-gpu=name", "--format=csv,noheader"])
    return names.splitlines() if names else []


def list_gpu_ids(program: str = "nvidia-smi") -> dict[str, str]:
    """The GPUs as NVIDIA's tool lists them, index to UUID; none without it."""
    rows = _read_output([program, "--query-gpu=index,uuid", "--format=csv,noheader"]) or ""
    pairs = [[part.strip() for part in row.split(",")] for row in rows.splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _find_processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.machine()


def _read_output(command: list[str], environ: Mapping[str, str] | None = None) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=True, env=environ
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
