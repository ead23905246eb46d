"""git is asked, and starts nothing that a repository names."""

import os
import subprocess
from pathlib import Path

import pytest

from vtspec.pipelines.execution.steps.host_info import find_git_state
from vtspec.pipelines.project.commit_tree import read_commit
from vtspec.pipelines.project.git_command import (
    add_git_settings,
    build_git_command,
    build_git_environment,
)

PLAIN = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    **{f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def _git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, env=os.environ | PLAIN
    )


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves the file `sprung` beside it when it is started."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\ncat\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    (folder / "file.txt").write_text("one\n")
    (folder / ".gitattributes").write_text("*.txt filter=own diff=own\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "one")
    # Of another time and as long: git has to read it to know whether it differs.
    (folder / "file.txt").write_text("two\n")
    os.utime(folder / "file.txt", (1, 1))
    return folder


PROGRAMS = (
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "diff.external",
    "diff.own.textconv",
    "filter.own.clean",
    "filter.own.smudge",
    "filter.own.process",
)


@pytest.mark.parametrize("setting", PROGRAMS)
def test_no_program_of_a_repository_is_started(repository: Path, trap: Path, setting: str) -> None:
    _git(repository, "config", setting, str(trap))
    state = find_git_state(repository)
    assert state is not None and state.commit is not None and state.dirty is True
    read_commit(repository, "HEAD").list_specs(repository)
    assert not trap.with_name("sprung").exists()


def test_no_hook_of_a_repository_is_started(repository: Path, trap: Path) -> None:
    _git(repository, "config", "core.hooksPath", str(trap.parent / "hooks"))
    (trap.parent / "hooks").mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        trap.with_name("hooks").joinpath(name).symlink_to(trap)
    find_git_state(repository)
    command = build_git_command(repository, "checkout", "-q", "--detach")
    subprocess.run(command, check=True, env=build_git_environment(os.environ))
    assert not trap.with_name("sprung").exists()


def test_no_program_of_a_submodule_is_started(
    repository: Path, tmp_path: Path, trap: Path
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    _git(outer, "init", "-q", "-b", "main")
    _git(outer, "-c", "protocol.file.allow=always", "submodule", "add", str(repository), "inner")
    _git(outer, "commit", "-qm", "one")
    _git(outer / "inner", "config", "core.fsmonitor", str(trap))
    state = find_git_state(outer)
    assert state is not None and state.dirty is False
    assert not trap.with_name("sprung").exists()


def test_a_program_that_calls_git_hands_our_settings_on(repository: Path, trap: Path) -> None:
    _git(repository, "config", "core.fsmonitor", str(trap))
    own = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    variables = add_git_settings(os.environ | own)
    subprocess.run(["git", "-C", str(repository), "status"], check=True, env=variables)
    asked = ["git", "-C", str(repository), "config", "a.b"]
    assert b"c\n" == subprocess.run(asked, check=True, env=variables, capture_output=True).stdout
    assert not trap.with_name("sprung").exists()


def test_a_persons_own_filter_is_heeded(repository: Path, tmp_path: Path) -> None:
    # As Git LFS is set up: without its filter every file of it would count as changed.
    own = tmp_path / "gitconfig"
    own.write_text('[filter "own"]\n\tclean = echo one\n')
    script = (
        "import sys; from pathlib import Path;"
        "from vtspec.pipelines.execution.steps.host_info import find_git_state;"
        "print(find_git_state(Path(sys.argv[1])).dirty)"
    )
    done = subprocess.run(
        ["python", "-c", script, str(repository)],
        env=os.environ | PLAIN | {"GIT_CONFIG_GLOBAL": str(own)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "False\n" == done.stdout
