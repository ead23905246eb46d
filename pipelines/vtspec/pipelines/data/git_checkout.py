"""Another repository at one commit, to read what its DVC files pin. Nothing of it is run."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.project.git_command import build_git_command, build_git_environment
from vtspec.pipelines.redaction import redact_text

_REV: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_NETWORK: Final = re.compile(
    r"could not resolve|timed out|connect|early EOF|hung up|\b(429|50[0234])\b", re.IGNORECASE
)


def clone(url: str, rev: str, folder: Path, cache: Path) -> None:
    """Check `rev` of the git repository at `url` out into the new `folder`.

    DVC's cache of it is `cache`, whatever the repository's own configuration says. Links are
    written as plain files, no hook and no submodule runs. Raises `Permanent` where there is no
    such repository or revision, `Temporary` where the network failed.
    """
    if not _REV.fullmatch(rev):
        raise Permanent(f"'{rev}' is no revision", fix="name a commit or a tag in source.dvc.rev")
    folder.mkdir(parents=True)
    # A template of this machine could bring hooks along.
    _run_git(folder, "init", "-q", "--template=")
    # One commit alone: a repository's history may be larger than its data.
    _run_git(folder, "fetch", "-q", "--depth=1", "--no-tags", "--", url, rev)
    _run_git(folder, "checkout", "-q", "FETCH_HEAD")
    config = folder / ".dvc" / "config.local"
    if not config.parent.is_dir():
        raise Permanent(f"{url} at {rev} is not a DVC repository", fix="check source.dvc.repo")
    # The most local file wins over whatever the repository itself configures.
    config.write_text(f"[cache]\n    dir = {cache}\n")


def _run_git(folder: Path, *args: str) -> None:
    # A stranger's repository could write through links.
    done = subprocess.run(
        build_git_command(folder, *args, settings=("core.symlinks=false",)),
        env=build_git_environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode == 0:
        return
    said = redact_text(" ".join(done.stderr.split()))[-400:]
    if _NETWORK.search(said):
        raise Temporary(f"git {args[0]} failed: {said}", fix="try again", delay_s=30.0)
    raise Permanent(f"git {args[0]} failed: {said}", fix="check source.dvc.repo and rev")
