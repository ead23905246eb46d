"""What the images of a split are called in another format. Pure."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

from vtspec.adapters.data.file_tree import is_image

_ENDINGS: Final = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "BMP": "bmp",
    "TIFF": "tif",
    "GIF": "gif",
    "PPM": "ppm",
}
"""The usual ending of each of the formats that are read, by Pillow's names."""

_PLAIN: Final = re.compile(r"\w[\w-]*\.\w+")


def assign_names(
    images: Sequence[tuple[str, str]],
    kinds: Mapping[str, str],
    taken: set[str],
    old_folders: Sequence[str] = (),
) -> dict[str, str]:
    """The name of each image below its new folder: its path below the one that holds them all, or
    below the one of the `old_folders` that it is in.

    Images are `(path, prefix)`; the prefix is a folder that the name begins with, or empty.
    `kinds` are their formats by Pillow's names. No two names are the same without their endings,
    as files of labels have none, nor one of those `taken`, which grow by them; none is hidden, or
    has an ending that says no image.
    """
    found: dict[str, str] = {}
    folders = {posixpath.dirname(path) for path, _ in images}
    common = posixpath.commonpath(folders) if folders else ""
    below = [f"{folder}/" for folder in old_folders or [common] if folder not in ("", ".")]
    for path, prefix in images:
        if path in found:
            continue
        name = path.removeprefix(next((each for each in below if path.startswith(each)), ""))
        if prefix and not name.startswith(f"{prefix}/"):
            name = f"{prefix}/{name}"
        # Most names are as they may be, and data sets have millions.
        if not _PLAIN.fullmatch(name):
            name = "/".join(_mend_part(part) for part in name.split("/"))
        if not is_image(name):
            name = f"{name}.{_ENDINGS.get(kinds.get(path, ''), 'jpg')}"
        found[path] = _make_unique(name, taken)
    return found


def _mend_part(part: str) -> str:
    # A dot in front hides it; lists of names lose blanks at the ends; YOLO looks for labels by
    # the last folder called images.
    stem, dot, ending = part.strip().rpartition(".")
    whole = f"{stem.rstrip()}{dot}{ending}"
    whole = re.sub(r"^\.", "_", whole) or "_"
    return f"{whole}_" if whole == "images" else whole


def _make_unique(name: str, taken: set[str]) -> str:
    stem, ending = posixpath.splitext(name)
    chosen, number = stem, 1
    # Where case makes no difference, as on macOS, one file would overwrite another.
    while chosen.casefold() in taken:
        number += 1
        chosen = f"{stem}-{number}"
    taken.add(chosen.casefold())
    return f"{chosen}{ending}"
