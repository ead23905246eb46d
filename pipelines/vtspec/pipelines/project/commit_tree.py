"""The files of a repository as a commit has them."""

import errno
import io
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.redaction import redact_text
from vtspec.schema.files import SUFFIXES
from vtspec.schema.yaml_source.decoding import LONGEST

from .git_command import build_git_command, build_git_environment


@dataclass(frozen=True, kw_only=True, eq=False)
class CommitTree:
    """The files of one commit, which git is asked for; the working tree is never looked at.

    `top` is the folder that the commit's paths start from, `commit` its full hash.
    """

    top: Path
    commit: str
    _blobs: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)

    def is_file(self, path: Path) -> bool:
        """Whether the commit has a regular file there."""
        return self._find_object(path) is not None

    def is_top(self, folder: Path) -> bool:
        """Whether it is the folder that the commit's paths start from."""
        return folder == self.top

    def resolve(self, path: Path) -> str:
        """Take `.` and `..` out of the path; a commit's links are not followed."""
        return os.path.normpath(path)

    @contextmanager
    def open(self, path: Path) -> Iterator[IO[bytes]]:
        """The bytes of a file of the commit, as they were committed: no filter is run."""
        found = self._find_object(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if found in self._blobs:
            yield io.BytesIO(self._blobs[found])
            return
        with subprocess.Popen(
            _make_command(self.top, "cat-file", "blob", found),
            env=_make_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as git:
            assert git.stdout is not None
            yield git.stdout
        # Who reads only the beginning closes the pipe while git still writes.
        if git.returncode not in (0, -signal.SIGPIPE):
            raise OSError(errno.EIO, "git cannot read this object", str(path))

    def list_specs(self, folder: Path) -> Sequence[Path]:
        """The spec files of the commit below a folder."""
        under = os.path.relpath(folder, self.top) + "/"
        found = [
            path
            for path in self._objects
            if path.startswith(under)
            and path.endswith(SUFFIXES)
            and "/." not in f"/{os.path.dirname(path.removeprefix(under))}"
        ]
        self._read_ahead(found)
        return [self.top / path for path in sorted(found, key=lambda path: path.split("/"))]

    def list_changed(self, other: "CommitTree") -> Sequence[str]:
        """The paths whose file differs in the other commit or is in one of the two alone, from
        `top`, in order."""
        mine, theirs = self._objects, other._objects
        both = sorted({*mine, *theirs})
        return [path for path in both if mine.get(path) != theirs.get(path)]

    @cached_property
    def _objects(self) -> Mapping[str, tuple[str, int]]:
        """Path from `top` to object and size, of the regular files."""
        # Without -z git would put names with odd letters into quotes of its own.
        listed = _run_git(self.top, "ls-tree", "-r", "-l", "-z", "--full-tree", self.commit)
        found = {}
        for entry in os.fsdecode(listed).split("\0")[:-1]:
            facts, _, path = entry.partition("\t")
            mode, _, name, size = facts.split()
            # A link is not followed: a stranger's commit could point it anywhere.
            if mode in ("100644", "100755"):
                found[path] = (name, int(size))
        return found

    def _find_object(self, path: Path) -> str | None:
        below = os.path.relpath(os.path.normpath(path), self.top)
        found = self._objects.get(below)
        return None if found is None else found[0]

    def _read_ahead(self, paths: Sequence[str]) -> None:
        """Read files at once: a process for each of a thousand specs would take seconds."""
        sizes = {name: size for name, size in map(self._objects.__getitem__, paths)}
        # A longer one is refused anyway: its first bytes are enough, when it is asked for.
        wanted = [name for name, size in sizes.items() if size <= LONGEST]
        answer = io.BytesIO(
            _run_git(self.top, "cat-file", "--batch", stdin="\n".join([*wanted, ""]).encode())
        )
        # git answers with a line on each object, its bytes, and a line feed that is not its own.
        for name in wanted:
            answer.readline()
            self._blobs[name] = answer.read(sizes[name])
            answer.read(1)


def read_commit(start: Path, revision: str) -> CommitTree:
    """The files of a commit of the git repository around `start`, which may be a bare one.

    Raises `Refused` where there is no such commit, `Permanent` where there is no git repository.
    """
    folder = start.resolve()
    folder = folder if folder.is_dir() else folder.parent
    bare = _run_git(folder, "rev-parse", "--is-bare-repository").strip() == b"true"
    top = _run_git(folder, "rev-parse", "--absolute-git-dir" if bare else "--show-toplevel")
    # The revision comes from outside: it may begin like an option, or name a tag or a tree.
    try:
        commit = _run_git(
            folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
        )
    except Permanent as error:
        raise Refused(
            f"there is no commit '{revision}' in {folder}", fix="git log, or git fetch first"
        ) from error
    return CommitTree(top=Path(os.fsdecode(top.rstrip(b"\n"))), commit=commit.decode().strip())


def find_merge_base(folder: Path, one: str, other: str) -> str:
    """The full hash of the last commit that two commits of the repository have in common.

    Raises `Refused` where they share none, `Permanent` where there is no such commit.
    """
    first, second = (read_commit(folder, commit).commit for commit in (one, other))
    try:
        found = _run_git(folder, "merge-base", first, second)
    except Permanent as error:
        raise Refused(
            f"commits {one} and {other} have no history in common",
            fix="git fetch --unshallow, or rebase one on the other",
        ) from error
    return found.decode().strip()


def _run_git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            _make_command(folder, *words),
            env=_make_environment(),
            input=stdin,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise Permanent("git is not installed here", fix="install git") from error
    if done.returncode:
        said = redact_text(" ".join(done.stderr.decode("utf-8", "replace").split()))[-400:]
        raise Permanent(f"git {words[0]} failed in {folder}: {said}", fix="check the repository")
    return done.stdout


def _make_command(folder: Path, *words: str) -> list[str]:
    # With a replacement in refs/replace a commit's hash would stand for other files.
    return build_git_command(folder, "--no-replace-objects", *words)


def _make_environment() -> dict[str, str]:
    # What a partial clone lacks is not fetched: reading asks no network.
    return {**build_git_environment(os.environ), "GIT_NO_LAZY_FETCH": "1"}
