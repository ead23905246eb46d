"""A dataset's spec brought up to what its data is now; what people wrote in it stays."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.inspection.dataset_spec import build_dataset
from vtspec.pipelines.data.inspection.inspect import Inspection
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.schema.dump import to_plain_data
from vtspec.schema.edit import edit_text

from .dvc_files import Pointer, find_pointer
from .register import refuse_unsound, track_data, undo_on_failure

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset
    from vtspec.schema.load import LoadedSpec

_FREE_ORDER: Final = ("imagefolder", "csv", "jsonl", "voc")
"""Formats whose labels name their class, so that the spec alone says which index it has."""


@dataclass(frozen=True, kw_only=True)
class SpecChange:
    """One value of the spec that differs; `path` is dotted, a value that is not there is None."""

    path: str
    before: object
    after: object


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What was changed in a dataset's file; `pointer` is what DVC pins of its data, if it does."""

    changes: tuple[SpecChange, ...]
    pointer: Pointer | None = None


def find_data_path(dataset: "Dataset", root: Path) -> str:
    """Where a dataset's data lies, from the root or as a whole path.

    Raises `Refused` where another repository has it, `Permanent` where it is not here.
    """
    name, source = dataset.metadata.name, dataset.spec.source
    if source.dvc is not None and source.dvc.repo is not None:
        raise Refused(
            f"the data of {name} is in another repository, {source.dvc.repo}",
            fix="look at it there; here spec.source.dvc.rev says which of it is meant",
        )
    path = source.path or (source.dvc.path if source.dvc is not None else "")
    if not (root / path).exists():
        pull = format_command("dvc", "pull", path)
        raise Permanent(
            f"there is no {path}, where the data of {name} should lie",
            fix=f"put it there, or correct source.path of {name}" if source.path else pull,
        )
    return path


def refresh_dataset(file: Path, loaded: "LoadedSpec", root: Path, found: Inspection) -> Refreshed:
    """Write into `file`, which was `loaded`, what was found in the dataset's data.

    Classes, keypoints, splits, statistics and hash are found anew, DVC tracks the data as it is,
    and all else stays as it is written. Raises `Permanent` where the data has errors or is no
    longer what the spec describes, `Temporary` where the file was changed meanwhile; all is then
    as before.
    """
    dataset: Dataset = loaded.model  # type: ignore[assignment]
    data = find_data_path(dataset, root)
    refuse_unsound(found, data)
    after = revise_spec(loaded.document.data, found, root / data)
    try:
        text = edit_text(loaded.document.text, after)
    except ValueError as error:
        raise Permanent(
            f"{file} cannot be changed in place",
            fix="write its keys as 'key: value', each on a line of its own",
        ) from error
    before = None if dataset.spec.source.dvc is None else find_pointer(root, data)
    with undo_on_failure(root, data):
        pointer = None
        if dataset.spec.source.dvc is not None:
            pointer = track_data(root, data, found.content_hash)
        if text != loaded.document.text:
            _replace_text(file, loaded.document.text, text)
    changes = _find_changes(loaded.document.data["spec"], after["spec"])
    if pointer is not None and (before is None or before.hash != pointer.hash):
        old = None if before is None else before.hash
        changes = [SpecChange(path=pointer.file, before=old, after=pointer.hash), *changes]
    return Refreshed(changes=tuple(changes), pointer=pointer)


def revise_spec(before: Mapping[str, Any], found: Inspection, data: Path) -> dict[str, Any]:
    """The plain data of a Dataset with what was found in its data instead of what it said.

    Classes keep their index where the format lets them. Raises `Permanent` where the data is in
    another format, or lies otherwise than the spec says although what it names is there.
    """
    spec = before["spec"]
    if found.layout.format != spec["format"]:
        raise Permanent(
            f"the data is in the format {found.layout.format} now, not {spec['format']}",
            fix="add it as another dataset: "
            + format_command("vtspec", "datasets", "add", data, "--name", "NAME"),
        )
    fresh = to_plain_data(build_dataset(found, "data", "data/data", {}))["spec"]
    for split, part in spec["splits"].items():
        if part != fresh["splits"].get(split) and (data / part["path"]).exists():
            raise Permanent(
                f"spec.splits.{split} is {part['path']}, and the data has "
                + (f"{fresh['splits'][split]['path']}" if split in fresh["splits"] else "none"),
                fix="correct spec.splits, or the names of the folders",
            )
    after = copy.deepcopy(dict(before))
    revised = after["spec"]
    revised["splits"], revised["statistics"] = fresh["splits"], fresh["statistics"]
    if "classes" in fresh or "classes" in spec:
        revised["classes"] = _order_classes(
            spec.get("classes", []), fresh.get("classes", []), found
        )
    # YOLO need not name them: what a person wrote is kept then.
    if "pose-estimation" in spec["tasks"] and "keypoints" in fresh:
        revised["keypoints"] = fresh["keypoints"]
    if "contentHash" in spec:
        revised["contentHash"] = found.content_hash
    return after


def _order_classes(
    before: Sequence[str], found: Sequence[str], inspection: Inspection
) -> list[str]:
    if inspection.layout.format not in _FREE_ORDER:
        return list(found)
    # A model that was trained on the others finds them where they were.
    stay = [name for name in before if name in found]
    return [*stay, *(name for name in found if name not in before)]


def _replace_text(file: Path, before: str, after: str) -> None:
    # Read as it was loaded: with its own line breaks.
    if file.read_bytes().decode("utf-8-sig") != before:
        raise Temporary(f"{file} was changed meanwhile", fix="try again")
    write_file_atomic(file, after)


def _find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[SpecChange]:
    old, new = dict(_iter_leaves(before, "")), dict(_iter_leaves(after, ""))
    return [
        SpecChange(path=path, before=old.get(path), after=new.get(path))
        for path in {**old, **new}
        if old.get(path) != new.get(path)
    ]


def _iter_leaves(data: Mapping[str, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _iter_leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value
