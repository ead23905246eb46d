"""A repository whose files are in memory."""

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from vtspec.pipelines.project.repository import Repository, find_repository

TOP = Path("/memory")


class MemoryTree:
    """Texts by their paths from the top."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {TOP / path: text for path, text in files.items()}

    def is_file(self, path: Path) -> bool:
        return path in self.files

    def is_top(self, folder: Path) -> bool:
        return folder == TOP

    def resolve(self, path: Path) -> str:
        return str(path)

    def open(self, path: Path) -> AbstractContextManager[IO[bytes]]:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return io.BytesIO(self.files[path].encode())

    def list_specs(self, folder: Path) -> Sequence[Path]:
        return sorted(path for path in self.files if path.is_relative_to(folder))


def a_repository_in_memory(files: Mapping[str, str]) -> Repository:
    """The repository that these files make."""
    return find_repository(TOP, MemoryTree(files))
