"""Where a repository's files are read from: the folder on disk, or (`commit_tree`) a commit."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Final, Protocol

from vtspec.schema.files import walk_spec_files


class SourceTree(Protocol):
    """The files of a repository, by absolute paths."""

    def is_file(self, path: Path) -> bool:
        """Whether a regular file lies there."""
        ...

    def is_top(self, folder: Path) -> bool:
        """Whether the git repository ends at this folder, so that nothing is looked for above."""
        ...

    def resolve(self, path: Path) -> str:
        """The path by which two names of one file are known to be one."""
        ...

    def open(self, path: Path) -> AbstractContextManager[IO[bytes]]:
        """The bytes of a file. Raises `OSError` where there is none."""
        ...

    def list_specs(self, folder: Path) -> Sequence[Path]:
        """The spec files in a folder and below, hidden folders left out, in order of path."""
        ...


class WorkingTree:
    """The files on disk, as they are now."""

    def is_file(self, path: Path) -> bool:
        """Whether a regular file, or a link to one, lies there."""
        return path.is_file()

    def is_top(self, folder: Path) -> bool:
        """Whether the folder has a `.git`."""
        return (folder / ".git").exists()

    def resolve(self, path: Path) -> str:
        """The path with every link followed."""
        return os.path.realpath(path)

    def open(self, path: Path) -> AbstractContextManager[IO[bytes]]:
        """Open the file as it is now."""
        return path.open("rb")

    def list_specs(self, folder: Path) -> Sequence[Path]:
        """The spec files below; a folder that cannot be searched has none."""
        # By the parts: as text `a-b/` comes before `a/`, and a commit would have another order.
        found = [path.split(os.sep) for path in walk_spec_files(os.fspath(folder))]
        return [Path(os.sep.join(parts)) for parts in sorted(found)]


WORKING_TREE: Final = WorkingTree()
