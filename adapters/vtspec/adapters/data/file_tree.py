"""The files of a folder, listed once."""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from vtspec.adapters.system_errors import is_shortage

from .defects import UndecodableText
from .json_source import parse_json

IMAGE_SUFFIXES: Final = frozenset(
    {"png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "ppm", "pgm"}
)
"""Endings of file names that are taken for images, in lower case, without the dot."""

_MAX_TEXT_BYTES: Final = 2**30


@dataclass(frozen=True)
class FileTree:
    """Every file below `root`, as sorted paths with forward slashes. What no content hash covers
    is in `unusable`: links to folders (which are not followed) or to nothing, pipes, devices.
    `links` are those of the files that are links."""

    root: Path
    files: Sequence[str]
    unusable: Sequence[str] = ()
    links: Sequence[str] = ()

    @cached_property
    def images(self) -> Sequence[str]:
        """The files whose name says image; what is hidden never is."""
        return [file for file in self.files if is_image(file)]

    @cached_property
    def image_set(self) -> frozenset[str]:
        """`images` to look up in."""
        return frozenset(self.images)

    @cached_property
    def file_set(self) -> frozenset[str]:
        """`files` to look up in."""
        return frozenset(self.files)

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

    def has(self, file: str) -> bool:
        """Whether there is such a file."""
        return file in self.file_set

    def read_json(self, file: str) -> object:
        """What a JSON file holds. Raises `ValueError` where it is none."""
        return parse_json(self.read_text(file))

    def read_lines(self, file: str) -> list[str]:
        """The lines of a text file, which end at a line feed alone. Raises `ValueError`."""
        # Not `splitlines`: a name may hold U+2028 and the like.
        return [line.rstrip("\r") for line in self.read_text(file).split("\n")]

    def read_text(self, file: str) -> str:
        """What a text file holds, without a byte order mark. Raises `ValueError`."""
        data = self.read_bytes(file)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UndecodableText("it is UTF-16, not UTF-8")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise UndecodableText(
                f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x})"
            ) from error
        if "\0" in text:
            raise UndecodableText(
                f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} has a NUL"
            )
        return text

    def read_bytes(self, file: str) -> bytes:
        """What a file holds. Raises `ValueError` beyond 1 GiB, and where it cannot be opened."""
        try:
            if (self.root / file).stat().st_size > _MAX_TEXT_BYTES:
                raise ValueError("it is larger than 1 GiB")
            return (self.root / file).read_bytes()
        except OSError as error:
            if is_shortage(error):
                raise
            raise ValueError(str(error.strerror)) from error


def scan_files(root: Path, below: Sequence[str] = (".",)) -> FileTree:
    """List the files of some folders of `root` (`.` is the root itself), each file once; a
    folder that is not there has none. Raises `OSError` where one cannot be read."""
    files: list[str] = []
    unusable: list[str] = []
    links: list[str] = []
    wanted = dict.fromkeys(map(posixpath.normpath, below))
    pending = [
        "" if folder == "." else folder
        for folder in wanted
        if (root / folder).is_dir() and not any(_lies_in(folder, other) for other in wanted)
    ]
    while pending:
        folder = pending.pop()
        prefix = f"{folder}/" if folder else ""
        # What a folder's entry says of its kind saves asking the disk for each file.
        with os.scandir(os.path.join(root, folder)) as found:
            for item in found:
                path = prefix + item.name
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif _is_file(item):
                    files.append(path)
                    if item.is_symlink():
                        links.append(path)
                else:
                    unusable.append(path)
    return FileTree(root, sorted(files), sorted(unusable), sorted(links))


def is_image(file: str) -> bool:
    """Whether a file's name says that it is an image; what is hidden never is."""
    stem, _, suffix = file.rpartition(".")
    return suffix.lower() in IMAGE_SUFFIXES and not is_hidden(file) and stem[-1:] not in ("", "/")


def is_hidden(file: str) -> bool:
    """Whether a file or one of its folders begins with a dot, as what macOS leaves behind."""
    return file.startswith(".") or "/." in file


def _lies_in(folder: str, other: str) -> bool:
    return folder != other and (other == "." or folder.startswith(f"{other}/"))


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
