"""One dataset inspected, converted, and inspected again: whether the three agree."""

import random
import shutil
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from dvc_repositories import write_files
from plain_reading import SIDE, Files
from reader_trial import Trial, make_job
from vtspec.adapters.data.annotations import Annotation, BoundingBox, Sample
from vtspec.adapters.data.split_reader import read_split
from vtspec.pipelines.data.conversion.convert import (
    Conversion,
    ConversionOptions,
    convert_dataset,
)
from vtspec.pipelines.data.conversion.targets import TARGETS, choose_form
from vtspec.pipelines.data.formats.layout import Layout
from vtspec.pipelines.data.formats.yolo import get_row_form
from vtspec.pipelines.data.inspection.inspect import Inspection, inspect_dataset
from vtspec.pipelines.errors import Permanent, Refused

BOXES = ("coco", "yolo", "voc")

MOVED = frozenset({"crowd", "no-class", "no-place", "no-area", "cut", "derived", "box", "resized"})
"""What is told where an object is left out, or its box is another one."""

LEFT_OUT = MOVED | {"object", "no-pixels", "covered"}


def try_conversion(root: Path, files: Files, number: int) -> Trial:
    """Write the files below `root`, convert them to a format by chance, and take all away."""
    start = time.process_time()
    try:
        source = write_files(root / "source", files)
        target = root / "target"
        trial = _judge(source, target, _choose_target(source, number))
        left = {path.name for path in root.iterdir()} - {"source", "target"}
        if left:
            trial = Trial(fault="left behind", detail=str(left))
        return replace(trial, seconds=time.process_time() - start)
    except Exception as error:
        return Trial(fault="traceback", detail=repr(error)[:300])
    finally:
        shutil.rmtree(root)


def _choose_target(source: Path, number: int) -> str:
    """A format by chance; where there is one that fits, mostly that."""
    chance = random.Random(number)
    found = _inspect(source)
    fitting = [name for name in TARGETS if found and _fits(found.layout, name)]
    return chance.choice(fitting if fitting and chance.random() < 0.9 else TARGETS)


def _fits(layout: Layout, target: str) -> bool:
    try:
        choose_form(layout, target, None)
    except Refused:
        return False
    return True


def _inspect(root: Path) -> Inspection | None:
    try:
        return inspect_dataset(root)
    except Permanent:
        return None


def _judge(source: Path, target: Path, to: str) -> Trial:
    before = _inspect(source)
    is_sound = before is not None and not before.errors
    try:
        done = convert_dataset(source, target, ConversionOptions(to=to))
    except Refused as error:
        return Trial(fault="left behind" if target.exists() else None, detail=str(error))
    except Permanent as error:
        if target.exists():
            return Trial(fault="left behind", detail=str(error))
        is_ours = "and report this" in str(error)
        return Trial(fault="wrongly refused" if is_sound or is_ours else None, detail=str(error))
    after = _inspect(target)
    if after is None or before is None:
        return Trial(fault="wrongly taken", detail=f"to {to}", is_taken=True)
    if not is_sound:
        # Splits that are not there are carried along as they are, but for images that no split
        # has.
        is_left_out = any(one.kind == "unsplit" for one in done.omissions)
        fault = None if after.errors or is_left_out else "wrongly taken"
        return Trial(fault=fault, detail=f"to {to}: {before.errors[0].message}")
    if after.errors:
        return Trial(fault="differs", detail=f"to {to}: {after.errors[0]}", is_taken=True)
    return _compare(source, target, before.layout, after.layout, done)


def _compare(source: Path, target: Path, before: Layout, after: Layout, done: Conversion) -> Trial:
    detail = f"to {done.to_format}: {done.omissions}"
    told = {one.kind for one in done.omissions}
    counts = {split: len({one.image for one in p.items}) for split, p in before.splits.items()}
    kept = {split: len({one.image for one in part.items}) for split, part in after.splits.items()}
    fidelity = done.fidelity
    assert fidelity is not None
    faults = [
        counts != kept or counts != dict(done.images),
        fidelity.images != fidelity.images_returned,
        fidelity.returned != fidelity.objects
        and not told & {*MOVED, "object", "no-pixels", "covered"},
        fidelity.labels != fidelity.labels_returned and not told & {"label", "text", "captions"},
    ]
    if before.format in BOXES and done.to_format in BOXES and not told & MOVED:
        faults.append(_count_objects(source, before) != _count_objects(target, after))
    fault = "differs" if any(faults) else None
    return Trial(fault=fault, detail=f"{detail} {faults} {fidelity}", is_taken=True)


def _count_objects(root: Path, layout: Layout) -> Counter[tuple[object, ...]]:
    """How often each image is shown with the objects that training reads of it."""
    found: Counter[tuple[object, ...]] = Counter()
    rows = get_row_form(layout)
    for split in layout.splits:
        job = make_job(root, layout)
        for item in read_split(job, split, rows=rows, get_size=lambda image: (SIDE, SIDE)):
            assert isinstance(item, Sample), item
            objects = [
                (one.class_name, *(round(v, 5) + 0.0 for v in box.to_coco()))
                for one in item.annotations
                if (box := one.box or _around(one)) is not None
            ]
            found[(split, *objects)] += 1
    return found


def _around(found: Annotation) -> BoundingBox | None:
    if found.oriented_box is not None:
        return found.oriented_box.to_box()
    return found.polygons[0].to_box() if found.polygons else None
