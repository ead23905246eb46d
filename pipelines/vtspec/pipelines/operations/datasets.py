"""Data inspected before anything is done with it."""

from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent

if TYPE_CHECKING:
    from vtspec.pipelines.data.inspection.inspect import Inspection, Progress


def inspect_data(path: Path, progress: "Progress") -> "Inspection":
    """What lies in a folder, every image decoded. Raises `Permanent` where Pillow is missing."""
    try:
        import PIL  # noqa: F401 - so that its absence is told before any work
    except ImportError as error:
        raise Permanent("Pillow is not installed", fix="pip install 'vtspec[data]'") from error
    from vtspec.pipelines.data.inspection.inspect import inspect_dataset

    return inspect_dataset(path, progress)
