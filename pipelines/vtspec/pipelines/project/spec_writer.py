"""A spec into a file of its own."""

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtspec.schema.kinds.field_types import Part


def format_spec(model: "Part", file: Path, root: Path, *, written: bool = False) -> str:
    """The canonical YAML of a kind that will lie in `file`, in the repository at `root`.

    Where the repository has the JSON Schemas, the first line points editors to them. With
    `written`, defaults that the model was given are kept.
    """
    from vtspec.schema.dump import dump

    schemas = root / "schema" / "v1alpha1"
    seen = os.path.relpath(schemas, file.absolute().parent) if schemas.is_dir() else None
    return dump(model, schemas=seen, written=written)


def write_new_file(file: Path, text: str) -> None:
    """Write a file that must not exist; it is never seen in part.

    Raises `FileExistsError`, what is there then stays as it is, and any other `OSError` where the
    folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(file.parent)) from error
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    try:
        # A rename would replace a file that is there; a link fails.
        os.link(fresh, file)
    finally:
        fresh.unlink()
