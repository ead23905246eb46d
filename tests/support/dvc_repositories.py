"""Real git and DVC repositories with a little data in them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from vtspec.pipelines.data.fetch import PinnedData
from vtspec.pipelines.data.source import DvcSource

CATS: Mapping[str, bytes] = {
    "train/cat/a.png": b"one",
    "train/cat/b.png": b"two",
    "train/고양이/ß é.png": b"three",
    "val/cat/empty.png": b"",
    "val/cat/Z.png": b"one",
    "val/cat.png": b"beside a folder of the same name",
}
"""Files whose order and names are what an implementation gets wrong: unicode, spaces, emptiness,
capitals, and `cat.png`, which sorts before `cat/` by `relpath`."""


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def command(folder: Path, *args: str) -> str:
    """Run a program that must end well; `dvc` is the one of this Python."""
    words = [sys.executable, "-P", "-m", "dvc"] if args[0] == "dvc" else [args[0]]
    done = subprocess.run(
        [*words, *args[1:]],
        cwd=folder,
        env={
            **os.environ,
            # What the stages call: `python` and `vtspec` of this environment.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "true",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@b.c",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@b.c",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def dvc_repository(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    command(root, "git", "init", "-q", "-b", "main")
    command(root, "dvc", "init", "-q")
    return root


def repository_with_cats(root: Path) -> Path:
    """`data/cats` tracked by DVC, pushed to the remote `shelf` in `../remote`, and committed."""
    dvc_repository(root)
    write_files(root / "data" / "cats", CATS)
    command(root, "dvc", "add", "-q", "data/cats")
    command(root, "dvc", "remote", "add", "-q", "-d", "shelf", "../remote")
    command(root, "dvc", "push", "-q")
    command(root, "git", "add", "-A")
    command(root, "git", "commit", "-q", "-m", "cats")
    return root


def pinned_data(content_hash: str, **changes: str) -> PinnedData:
    """`data/cats` by DVC with this hash; `changes` are to its source."""
    source = DvcSource(**{"path": "data/cats", **changes})
    return PinnedData(name="cats", hash=content_hash, source=source)
