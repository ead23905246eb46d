"""The digest of a published image in its image.yaml, which people write too."""

import re
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.pipelines.catalog.framework import read_framework
from vtspec.pipelines.errors import Permanent

_LINE: Final = re.compile(r"^digest:[ \t]*(?P<value>[^\s#]*)(?P<rest>.*)$", re.MULTILINE)

_COMMENT: Final = "  # of the published image: vtspec images lock"


def write_digest(file: Path, digest: str) -> bool:
    """Set `digest` in an image.yaml and keep all else, comments too; whether that changed it.

    Raises `Permanent` where the file is written in a way that this cannot edit.
    """
    text = file.read_text(encoding="utf-8")
    edited, lines = _LINE.subn(lambda found: f"digest: {digest}{found['rest']}", text)
    if lines == 0:
        edited = f"{text.rstrip()}\ndigest: {digest}{_COMMENT}\n"
    if edited == text:
        return False
    before = read_framework(file)
    write_file_atomic(file, edited)
    # A second document, or text in which `digest:` stands at the beginning of a line.
    if lines > 1 or read_framework(file).digest != digest:
        write_file_atomic(file, text)
        raise Permanent(
            f"{file}: digest {before.digest} cannot be replaced in it",
            fix=f"write it there by hand: digest: {digest}",
        )
    return True
