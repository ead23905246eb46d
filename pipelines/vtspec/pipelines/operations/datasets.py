"""Data inspected before anything is done with it."""

from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import refuse_import

if TYPE_CHECKING:
    from vtspec.pipelines.data.inspection.inspect import Inspection, Progress


def inspect_data(path: Path, progress: "Progress") -> "Inspection":
    """What lies in a folder, every image decoded. Raises `Permanent` where Pillow is missing."""
    try:
        import PIL  # noqa: F401 - so that its absence is told before any work
    except ImportError as error:
        fix = "pip install 'vtspec[data]'"
        raise refuse_import(error, "PIL", "Pillow is not installed", fix) from error
    from vtspec.pipelines.data.inspection.inspect import inspect_dataset

    return inspect_dataset(path, progress)
