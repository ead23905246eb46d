"""git in repositories of tests, as somebody whom its own configuration does not name."""

import os
import subprocess
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """What git says, without the space around it."""
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *named, *words],
        cwd=folder,
        # What git hands to a hook names another repository.
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(root: Path) -> str:
    """Commit all that there is in a repository, which is made where there is none on its branch
    `main`. Returns the commit's hash."""
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "change", "--allow-empty")
    return git(root, "rev-parse", "HEAD")
