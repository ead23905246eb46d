"""What a model is asked about: images and videos, by the paths that a person names."""

import glob
from dataclasses import dataclass
from pathlib import Path

from vtspec.adapters.data.file_tree import is_image
from vtspec.pipelines.errors import Refused

from .video_frames import is_video


@dataclass(frozen=True, kw_only=True)
class Source:
    """One image or video."""

    path: Path
    is_video: bool = False


def expand_sources(path: Path) -> list[Source]:
    """The image or video at a path; those in a folder, at any depth, or of a pattern (`*`, `?`,
    `[…]`, and `**` for folders), by their paths.

    Raises:
        Refused: there is nothing, or none of it is an image or a video by its name.
    """
    if path.is_dir():
        found = [one for one in path.rglob("*") if _is_either(one)]
        if not found:
            raise Refused(f"{path}: no image or video in this folder", fix="name another one")
    elif path.is_file():
        found = [path]
    elif path.exists():
        raise Refused(f"{path}: is neither a file nor a folder", fix="name a file")
    elif glob.has_magic(str(path)):
        found = [one for one in map(Path, glob.glob(str(path), recursive=True)) if _is_either(one)]
        if not found:
            raise Refused(f"{path}: no image or video has such a name", fix="check the pattern")
    else:
        raise Refused(f"{path}: no such file or folder", fix="check the path")
    # The adapter is given the paths in a file, one a line.
    broken = next((one for one in found if "\n" in str(one)), None)
    if broken is not None:
        raise Refused(f"{str(broken)!r}: a line break in a name", fix="rename the file")
    return [Source(path=one, is_video=is_video(one)) for one in sorted(found)]


def _is_either(path: Path) -> bool:
    return (is_image(path.name) or is_video(path)) and path.is_file()
