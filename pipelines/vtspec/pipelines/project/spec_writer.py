"""A spec as the text of a file of its own."""

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
