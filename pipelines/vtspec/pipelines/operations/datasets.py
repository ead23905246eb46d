"""Data inspected, and made or kept a dataset: each from beginning to end in one call."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines.errors import Permanent, refuse_import
from vtspec.schema.suggestions import format_choices, suggest_fix

if TYPE_CHECKING:
    from vtspec.pipelines.data.conversion.convert import Conversion, ConversionOptions
    from vtspec.pipelines.data.dataset_split import DatasetSplit, SplitOptions
    from vtspec.pipelines.data.inspection.inspect import Inspection, Progress
    from vtspec.pipelines.data.refresh import SpecChange
    from vtspec.pipelines.data.register import DatasetOptions
    from vtspec.pipelines.project.repository import Repository


@dataclass(frozen=True, kw_only=True)
class InspectionCallbacks:
    """Who hears of an inspection: how far it is, and what it found before anything is done."""

    progress: "Progress"
    on_inspected: "Callable[[Inspection], None]"


@dataclass(frozen=True, kw_only=True)
class WrittenDataset:
    """A dataset's spec that was written: its file, the data's hash, and the files that git is to
    have. `changes` are what an update changed. Data is tracked `by_dvc`, which pushes it to
    `remote` where its spec names one, else to the default remote, so that there may be none; or
    lies outside of the repository and is used `by_reference`.
    """

    spec: Path
    hash: str | None
    files: tuple[Path, ...]
    changes: "tuple[SpecChange, ...]" = ()
    by_dvc: bool = False
    has_remote: bool = False
    remote: str | None = None
    by_reference: bool = False


def inspect_data(path: Path, progress: "Progress", *, is_fast: bool = False) -> "Inspection":
    """What lies in a folder, every image decoded, or fast, its header read.

    Raises `Permanent` where Pillow or NumPy is missing.
    """
    _require_packages()
    from vtspec.pipelines.data.inspection.inspect import inspect_dataset

    return inspect_dataset(path, progress, is_fast=is_fast)


def split_data(
    source: Path, target: Path, wish: "SplitOptions", progress: "Progress"
) -> "DatasetSplit":
    """Write data divided into splits. Raises as `split_dataset` does, and `Permanent` where
    Pillow or NumPy is missing."""
    inspection = inspect_data(source, progress)
    from vtspec.pipelines.data.dataset_split import split_dataset

    return split_dataset(inspection, target, wish)


def convert_data(
    source: Path, target: Path, wish: "ConversionOptions", progress: "Progress"
) -> "Conversion":
    """Write data in another format. Raises as `convert_dataset` does, and `Permanent` where
    Pillow or NumPy is missing."""
    _require_packages()
    from vtspec.pipelines.data.conversion.convert import convert_dataset

    return convert_dataset(source, target, wish, progress)


def _require_packages() -> None:
    """Tell that one is missing before any work is done."""
    fix = "pip install 'vtspec[data]'"
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise refuse_import(error, "PIL", "Pillow is not installed", fix) from error
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise refuse_import(error, "numpy", "NumPy is not installed", fix) from error


def find_data(word: Path, here: Path) -> Path:
    """The folder that a person in `here` means: by its path, or by the name of a dataset.

    Raises `Permanent` where it is neither, and as `find_data_path` does.
    """
    # A repository is looked for only where it is asked: its configuration may be wrong.
    if (here / word).exists() or len(word.parts) != 1:
        return word
    from vtspec.pipelines.data.refresh import find_data_path
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(here)
    names = repository.find_spec_files("Dataset")
    if str(word) not in names:
        folder = "name the folder that holds the data"
        known = f"{folder}, or use {format_choices(sorted(names))}" if names else folder
        fix = suggest_fix(str(word), names, known)
        raise Permanent(f"{word} is no folder here, and no dataset", fix=fix)
    path = repository.root / find_data_path(repository.load_dataset(str(word)), repository.root)
    return Path(repository.format_path(path))


def add_dataset(
    path: Path, wish: "DatasetOptions", repository: "Repository", callbacks: InspectionCallbacks
) -> WrittenDataset | None:
    """Inspect the data at `path` and make it a dataset; None where it has errors.

    Data inside the repository is tracked by DVC, other data is referred to where it lies. Raises
    `Permanent` as `resolve_destination` and the registering do.
    """
    from vtspec.pipelines.data import register
    from vtspec.pipelines.data.dvc_cli import has_default_remote, require_remote

    # First: inspecting decodes every image, and would be for nothing where the place is refused.
    where = register.resolve_destination(repository.root, repository.specs, path, wish.name)
    if wish.remote is not None and not where.by_reference:
        require_remote(repository.root, wish.remote)
    inspection = inspect_data(path, callbacks.progress)
    callbacks.on_inspected(inspection)
    if inspection.errors:
        return None
    pointer = register.add_dataset(inspection, wish, where)
    pinned = None if pointer is None else pointer.file
    return WrittenDataset(
        spec=where.spec,
        hash=inspection.content_hash,
        files=(where.spec, *_list_data_files(repository, where.data, pinned)),
        by_dvc=pointer is not None,
        has_remote=wish.remote is not None
        or (pointer is not None and has_default_remote(repository.root)),
        remote=wish.remote,
        by_reference=where.by_reference,
    )


def update_dataset(
    name: str, repository: "Repository", callbacks: InspectionCallbacks
) -> WrittenDataset | None:
    """Inspect a dataset's data anew and bring its spec up to it; None where the data has errors.

    Raises `SpecError` where there is no such dataset, and as `refresh_dataset` does.
    """
    from vtspec.pipelines.data.dvc_cli import has_default_remote
    from vtspec.pipelines.data.refresh import find_data_path, refresh_dataset

    root = repository.root
    dataset = repository.load_dataset(name)
    data = find_data_path(dataset, root)
    loaded = repository.load_dataset_file(name)
    inspection = inspect_data(Path(repository.format_path(root / data)), callbacks.progress)
    callbacks.on_inspected(inspection)
    if inspection.errors:
        return None
    file = repository.find_spec_files("Dataset")[name]
    done = refresh_dataset(file, loaded, root, inspection)
    pinned = None if done.pointer is None else done.pointer.file
    named = dataset.spec.source.dvc
    remote = None if named is None else named.remote
    return WrittenDataset(
        spec=file,
        hash=inspection.content_hash,
        files=(file, *_list_data_files(repository, data, pinned)),
        changes=done.changes,
        by_dvc=pinned is not None,
        has_remote=remote is not None or (pinned is not None and has_default_remote(root)),
        remote=remote,
        by_reference=data.startswith("/"),
    )


def _list_data_files(repository: "Repository", data: str, pointer: str | None) -> tuple[Path, ...]:
    """What of the data git is to have: what DVC wrote beside it, or the data itself."""
    place = repository.root / data
    if pointer is None:
        return () if data.startswith("/") else (place,)
    # The line that keeps the data out of git.
    ignore = (place.with_name(".gitignore"),) if pointer.endswith(".dvc") else ()
    return (repository.root / pointer, *ignore)
