"""One dataset read by inspection, by training and plainly, and whether the three agree."""

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plain_reading import SIDE, Files, Reading, Refused, read_plainly
from vtspec.adapters.contract import AdapterError, DatasetJob, Split
from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.data.image_labels import FORMATS, list_labeled_images
from vtspec.adapters.data.split_reader import read_split
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.data.inspection.inspect import Inspection, inspect_dataset
from vtspec.pipelines.errors import Permanent


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How it went: `traceback`, `differs`, `wrongly taken`, `wrongly refused`, or nothing."""

    fault: str | None
    detail: str = ""
    is_taken: bool = False
    seconds: float = 0.0


def try_dataset(root: Path, form: str, files: Files) -> Trial:
    """Write the files below `root`, read them in all three ways, and take them away."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    # Outside of what is tried: a fault of the plain reading is none of the readers'.
    expected, why = _read_plainly(form, files)
    start = time.process_time()
    try:
        inspection = _inspect(root)
        trial = _judge(root, form, inspection, expected)
        seconds = time.process_time() - start
        return replace(trial, seconds=seconds, detail=trial.detail or why)
    except AdapterError as error:
        return Trial(fault="differs", detail=f"training refuses: {error}", is_taken=True)
    except Exception as error:
        return Trial(fault="traceback", detail=repr(error)[:300])
    finally:
        shutil.rmtree(root)


def _read_plainly(form: str, files: Files) -> tuple[Reading | None, str]:
    """What the bytes say, or None and why they say nothing."""
    try:
        return read_plainly(form, files), ""
    except Refused as error:
        return None, str(error)


def _inspect(root: Path) -> Inspection | None:
    try:
        return inspect_dataset(root)
    except Permanent:
        return None


def _judge(
    root: Path, form: str, inspection: Inspection | None, expected: Reading | None
) -> Trial:
    if inspection is None or inspection.errors:
        told = inspection.errors[0].message if inspection else "no format"
        return Trial(fault=None if expected is None else "wrongly refused", detail=told)
    if expected is None:
        return Trial(fault="wrongly taken", is_taken=True)
    layout = inspection.layout
    looked = {split: _show(part.items) for split, part in layout.splits.items()}
    trained = {split: _read_for_training(root, layout, split) for split in layout.splits}
    classes = {split: _strip(part) for split, part in expected.items()}
    # Inspection has no size of an image, and so no boxes of YOLO; a mask's place is its label.
    is_same = (
        looked == classes
        and {split: _strip(part) for split, part in trained.items()} == classes
        and (form == "masks" or trained == {s: _round(part) for s, part in expected.items()})
    )
    if is_same:
        return Trial(fault=None, is_taken=True)
    detail = f"inspection {looked}, training {trained}, plainly {expected}"
    return Trial(fault="differs", detail=detail, is_taken=True)


def _read_for_training(root: Path, layout: Layout, split: str) -> dict[str, list[Any]]:
    job = make_job(root, layout)
    if layout.format in FORMATS and "image-classification" in layout.tasks:
        found: dict[str, list[Any]] = {}
        for path, target in list_labeled_images(job, split):
            label = (layout.classes[target],)
            found.setdefault(path.relative_to(root).as_posix(), []).append(label)
        return found
    items = list(read_split(job, split, get_size=lambda image: (SIDE, SIDE)))
    samples = [item for item in items if isinstance(item, Sample)]
    if len(samples) < len(items):
        raise AdapterError(str([item for item in items if not isinstance(item, Sample)]))
    return _round({sample.image: _list_boxes(sample) for sample in samples})


def make_job(root: Path, layout: Layout) -> DatasetJob:
    """The data of a layout as a plan hands it to an adapter."""
    return DatasetJob(
        root=root,
        format=layout.format,
        classes=layout.classes,
        all_classes=layout.classes,
        splits={
            split: Split(path=part.path, annotations=part.annotations, targets=part.targets)
            for split, part in layout.splits.items()
        },
        final_split="val",
    )


def _list_boxes(sample: Sample) -> list[Any]:
    if sample.labels:
        return [(name,) for name in sample.labels]
    if sample.target is not None:
        return [(sample.target.path,)]
    found = []
    for item in sample.annotations:
        box = item.box
        corners = (box.x_min, box.y_min, box.x_max, box.y_max) if box else ()
        found.append((item.class_name, *corners))
    return found


def _show(items: tuple[Sample, ...]) -> dict[str, list[Any]]:
    """What inspection says of each image: classes, or the path of its mask."""
    found: dict[str, list[Any]] = {}
    for item in items:
        label = [(item.label,)] if item.label is not None else _list_boxes(item)
        found.setdefault(item.image, []).extend((one[0],) for one in label)
    return found


def _strip(part: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {image: [(one[0],) for one in labels] for image, labels in part.items()}


def _round(part: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        image: [(name, *(round(number, 6) for number in box)) for name, *box in labels]
        for image, labels in part.items()
    }
