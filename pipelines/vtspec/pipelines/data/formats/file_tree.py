"""The files of a folder that a person named, and what its names say of splits."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from vtspec.adapters.data.file_tree import FileTree, scan_files
from vtspec.pipelines.errors import Permanent, refuse_system_error

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


def scan_folder(root: Path) -> FileTree:
    """List the files below `root`. Raises `Permanent` where that is no folder with files."""
    refuse_no_folder(root)
    try:
        tree = scan_files(root)
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename} cannot be read: {error.strerror}"
        ) from error
    if not tree.files:
        raise Permanent(f"{root} has no files in it", fix="name the folder that holds the data")
    return tree


def refuse_no_folder(path: Path) -> None:
    """Raise `Permanent` where data is to lie in a folder that is none."""
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise Permanent(f"{path} {what}", fix="name the folder that holds the data")


def find_split(name: str) -> str | None:
    """The split that a folder or file is named after: `val` for `Validation`, `val2017`."""
    # COCO's folders carry their year: train2017.
    return _SPLIT_NAMES.get(re.sub(r"[-_]?[0-9]{4}$", "", name.lower()))


def find_splits(names: Iterable[str]) -> dict[str, str]:
    """The names that mean a split, by split, in the order train, val, test. Raises `Permanent`
    where two mean the same: one of them would be left out."""
    found: dict[str, str] = {}
    for name in sorted(names):
        split = find_split(name)
        if split and found.setdefault(split, name) != name:
            raise Permanent(
                f"'{found[split]}' and '{name}' are both the split {split}",
                fix="put them together, or call one of them otherwise",
            )
    return {split: found[split] for split in ("train", "val", "test") if split in found}


def find_folder_pairs(
    tree: FileTree, first: str, second: str, is_right: Callable[[str, str], bool]
) -> dict[str, tuple[str, str]]:
    """Two folders that go together, by split: `<first>/<split>` with `<second>/<split>`, or
    `<split>/<first>` with `<split>/<second>`; `all` where there is no split. Those that are not
    right are left out."""
    top = tree.list_folders()
    if first in top and second in top:
        found = find_splits(tree.list_folders(first))
        pairs = {split: (f"{first}/{name}", f"{second}/{name}") for split, name in found.items()}
        # Not split yet, which is told with the way to do it.
        pairs = pairs or {"all": (first, second)}
    else:
        # Folders of another layout may be called alike.
        found = find_splits(name for name in top if tree.list_below(f"{name}/{second}"))
        pairs = {split: (f"{name}/{first}", f"{name}/{second}") for split, name in found.items()}
    return {split: pair for split, pair in pairs.items() if is_right(*pair)}


def guess_folder(tree: FileTree, candidates: Iterable[str], paths: Iterable[str]) -> str:
    """The folder below which most of the paths are found; the first one of several."""
    known = list(paths)

    def count_found(folder: str) -> int:
        return sum(tree.has(posixpath.normpath(posixpath.join(folder, path))) for path in known)

    return max(candidates, key=count_found)
