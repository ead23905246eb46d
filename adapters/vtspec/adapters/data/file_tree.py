"""The files of a folder, listed once."""

from __future__ import annotations

import json
import os
import posixpath
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

IMAGE_SUFFIXES: Final = frozenset(
    {"png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "ppm", "pgm"}
)
"""Endings of file names that are taken for images, in lower case, without the dot."""

_MAX_TEXT_BYTES: Final = 2**30


@dataclass(frozen=True)
class FileTree:
    """Every file below `root`, as sorted paths with forward slashes; `folders` are listed alike,
    empty ones too. What no content hash covers is in `unusable`: links to folders (which are not
    followed) or to nothing, pipes, devices."""

    root: Path
    files: Sequence[str]
    folders: Sequence[str] = ()
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
        return _slice_below(self.files, folder)

    def list_images(self, folder: str) -> Sequence[str]:
        """Every image at any depth below `folder`; `.` is the root."""
        if folder == ".":
            return self.images
        return [file for file in self.list_below(folder) if is_image(file)]

    def list_folders(self, folder: str = "") -> Sequence[str]:
        """Names of the folders right below `folder` that have files in them, but hidden ones."""
        files = self.list_below(folder) if folder else self.files
        skipped = len(folder) + 1 if folder else 0
        names = {file[skipped:].split("/", 1)[0] for file in files if "/" in file[skipped:]}
        return sorted(name for name in names if not name.startswith("."))

    def list_all_folders(self, folder: str = "") -> Sequence[str]:
        """Names of the folders right below `folder`, empty ones too, but hidden ones."""
        skipped = len(folder) + 1 if folder else 0
        below = _slice_below(self.folders, folder) if folder else self.folders
        names = (path[skipped:] for path in below)
        return sorted(name for name in names if "/" not in name and not name.startswith("."))

    def has(self, file: str) -> bool:
        """Whether there is such a file."""
        place = bisect_left(self.files, file)
        return place < len(self.files) and self.files[place] == file

    def read_json(self, file: str) -> object:
        """What a JSON file holds. Raises `ValueError` where it is none."""
        try:
            content: object = json.loads(self.read_bytes(file))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        return content

    def read_text(self, file: str) -> str:
        """What a text file holds, without a byte order mark. Raises `ValueError`."""
        return self.read_bytes(file).decode("utf-8-sig")

    def read_bytes(self, file: str) -> bytes:
        """What a file holds. Raises `ValueError` beyond 1 GiB."""
        if (self.root / file).stat().st_size > _MAX_TEXT_BYTES:
            raise ValueError("it is larger than 1 GiB")
        return (self.root / file).read_bytes()


def scan_files(root: Path, below: Sequence[str] = (".",)) -> FileTree:
    """List the files of some folders of `root` (`.` is the root itself), none of which lies in
    another; a folder that is not there has none. Raises `OSError` where one cannot be read."""
    files: list[str] = []
    folders: list[str] = []
    unusable: list[str] = []
    wanted = dict.fromkeys(map(posixpath.normpath, below))
    pending = ["" if folder == "." else folder for folder in wanted if (root / folder).is_dir()]
    while pending:
        folder = pending.pop()
        prefix = f"{folder}/" if folder else ""
        # What a folder's entry says of its kind saves asking the disk for each file.
        with os.scandir(os.path.join(root, folder)) as found:
            for item in found:
                path = prefix + item.name
                if item.is_dir(follow_symlinks=False):
                    folders.append(path)
                    pending.append(path)
                else:
                    (files if _is_file(item) else unusable).append(path)
    return FileTree(root, sorted(files), sorted(folders), sorted(unusable))


def is_image(file: str) -> bool:
    """Whether a file's name says that it is an image; hidden files never are."""
    # Hidden: the part before the last dot is empty, or begins with one.
    stem, _, suffix = file.rpartition("/")[2].rpartition(".")
    return stem[:1] not in ("", ".") and suffix.lower() in IMAGE_SUFFIXES


def _slice_below(paths: Sequence[str], folder: str) -> Sequence[str]:
    start = bisect_left(paths, f"{folder}/")
    # "0" is the character after "/".
    return paths[start : bisect_left(paths, f"{folder}0")]


def _is_file(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_file()
    except OSError:
        # A link that leads back to itself.
        return False
