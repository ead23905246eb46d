"""The files of a folder, listed once."""

import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.data.image_labels import IMAGE_SUFFIXES
from vtspec.pipelines.errors import Permanent

_SPLIT_NAMES: Final[Mapping[str, str]] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_MAX_TEXT_BYTES: Final = 2**30


@dataclass(frozen=True)
class FileTree:
    """Every file below `root`, as sorted paths with forward slashes. What no content hash covers
    is in `unusable`: links to folders (which are not followed) or to nothing, pipes, devices."""

    root: Path
    files: Sequence[str]
    unusable: Sequence[str] = ()

    @cached_property
    def images(self) -> Sequence[str]:
        """The files whose name says image; hidden ones never are."""
        return [file for file in self.files if is_image(file)]

    @cached_property
    def image_set(self) -> frozenset[str]:
        """`images` to look up in."""
        return frozenset(self.images)

    def list_below(self, folder: str) -> Sequence[str]:
        """Every file at any depth below `folder`."""
        start = bisect_left(self.files, f"{folder}/")
        # "0" is the character after "/".
        return self.files[start : bisect_left(self.files, f"{folder}0")]

    def list_images(self, folder: str) -> Sequence[str]:
        """Every image at any depth below `folder`; `.` is the root."""
        files = self.files if folder == "." else self.list_below(folder)
        return [file for file in files if is_image(file)]

    def list_folders(self, folder: str = "") -> Sequence[str]:
        """Names of the folders right below `folder` that have files in them, but hidden ones."""
        files = self.list_below(folder) if folder else self.files
        skipped = len(folder) + 1 if folder else 0
        names = {file[skipped:].split("/", 1)[0] for file in files if "/" in file[skipped:]}
        return sorted(name for name in names if not name.startswith("."))

    def has(self, file: str) -> bool:
        """Whether there is such a file."""
        place = bisect_left(self.files, file)
        return place < len(self.files) and self.files[place] == file

    def read_json(self, file: str) -> Any:
        """What a JSON file holds. Raises `ValueError` where it is none."""
        try:
            return json.loads(self.read_bytes(file))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error

    def read_text(self, file: str) -> str:
        """What a text file holds, without a byte order mark. Raises `ValueError`."""
        return self.read_bytes(file).decode("utf-8-sig")

    def read_bytes(self, file: str) -> bytes:
        """What a file holds. Raises `ValueError` beyond 1 GiB."""
        if (self.root / file).stat().st_size > _MAX_TEXT_BYTES:
            raise ValueError("it is larger than 1 GiB")
        return (self.root / file).read_bytes()


def scan_folder(root: Path) -> FileTree:
    """List the files below `root`. Raises `Permanent` where that is no folder with files."""
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise Permanent(f"{root} {what}", fix="name the folder that holds the data")
    files: list[str] = []
    unusable: list[str] = []
    for folder, below, names in os.walk(root, onerror=_raise_unreadable):
        prefix = Path(folder).relative_to(root).as_posix() + "/" if folder != str(root) else ""
        for name in names:
            whole = os.path.isfile(os.path.join(folder, name))
            (files if whole else unusable).append(prefix + name)
        links = (name for name in below if os.path.islink(os.path.join(folder, name)))
        unusable += [prefix + name for name in links]
    if not files:
        raise Permanent(f"{root} has no files in it", fix="name the folder that holds the data")
    return FileTree(root, sorted(files), sorted(unusable))


def is_image(file: str) -> bool:
    """Whether a file's name says that it is an image; hidden files never are."""
    name = file.rsplit("/", 1)[-1]
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def find_split(name: str) -> str | None:
    """The split that a folder or file is named after: `val` for `Validation`, `val2017`."""
    return _SPLIT_NAMES.get(re.sub(r"[-_]?[0-9]{4}$", "", name.lower()))


def find_splits(names: Iterable[str]) -> dict[str, str]:
    """The names that mean a split, by split, in the order train, val, test."""
    found = {split: name for name in sorted(names) if (split := find_split(name))}
    return {split: found[split] for split in ("train", "val", "test") if split in found}


def _raise_unreadable(error: OSError) -> None:
    raise Permanent(f"{error.filename} cannot be read: {error.strerror}") from error
