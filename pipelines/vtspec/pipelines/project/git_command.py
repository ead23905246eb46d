"""How git is called, everywhere: nothing that a repository configures is started by it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_SAFE: Final = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=true",
    "sequence.editor=true",
    "core.askPass=true",
    "diff.external=",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
)
"""Settings that name a program which git starts by itself, and what they are for us."""

_SAFE_PAIRS: Final = tuple((key, value) for key, _, value in (one.partition("=") for one in _SAFE))

_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
"""What points git to another repository, as hooks are given it."""

_PROGRAMS: Final = ("GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_EXTERNAL_DIFF")


def build_git_command(
    folder: Path, *words: str, settings: tuple[str, ...] = (), program: str = "git"
) -> list[str]:
    """The command line of git in `folder`; `settings` are further ones, for this call alone."""
    set_to = [word for setting in (*_SAFE, *settings) for word in ("-c", setting)]
    return [program, "-C", os.fspath(folder), "--no-pager", *set_to, *words]


def build_git_environment(
    environ: Mapping[str, str], *, stays_here: bool = True
) -> dict[str, str]:
    """The variables that git is given: it asks nobody, shows no page and starts no editor.

    With `stays_here` it takes the repository of its folder, whatever calls us.
    """
    left_out = {*_PROGRAMS, *(_ELSEWHERE if stays_here else ())}
    kept = {key: value for key, value in environ.items() if key not in left_out}
    # Reading takes no lock: a person's own git must not find one in its way.
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def find_user_email(folder: Path, environ: Mapping[str, str]) -> str | None:
    """The e-mail address that git has of whoever works in `folder`; None where it has none."""
    try:
        done = subprocess.run(
            build_git_command(folder, "config", "user.email"),
            env=build_git_environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def add_git_settings(
    environ: Mapping[str, str], settings: Sequence[tuple[str, str]] = _SAFE_PAIRS
) -> dict[str, str]:
    """The variables with our settings in them, for a program that calls git by itself, or with
    others, which nobody sees in a command line."""
    given = environ.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isdecimal() else 0
    added = {"GIT_CONFIG_COUNT": str(count + len(settings))}
    for number, (key, value) in enumerate(settings, start=count):
        added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**environ, **added}


def list_filter_settings(folder: Path) -> tuple[str, ...]:
    """Settings that switch off the filters which the repository itself configures.

    git runs them over changed files to compare them. A person's own (such as Git LFS's) stay.
    """
    listed = subprocess.run(
        build_git_command(
            folder, "config", "-z", "--show-scope", "--name-only", "--get-regexp", r"^filter\."
        ),
        env=build_git_environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    # A scope and a name by turns.
    words = os.fsdecode(listed.stdout).split("\0")[:-1]
    names = {
        name.rpartition(".")[0]
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope in ("local", "worktree")
    }
    return tuple(
        f"{name}.{key}={value}"
        for name in sorted(names)
        # A name with `=` in it cannot be set on a command line.
        if "=" not in name
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    )
