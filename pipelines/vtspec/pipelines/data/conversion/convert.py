"""A folder of data written in another format, whole or not at all."""

import gc
import os
import posixpath
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from vtspec.adapters.data.annotations import Sample
from vtspec.adapters.durable_files import stage_folder
from vtspec.pipelines.errors import Permanent, Refused, refuse_system_error

from .fidelity import Fidelity
from .omissions import Omission
from .place import Placement, place_data
from .read_back import list_targets, read_back
from .source import Progress, ReadingOptions, read_layout, read_source
from .targets import choose_form, find_task


@dataclass(frozen=True, kw_only=True)
class ConversionOptions:
    """What a person wants: the format, of YOLO which task's rows, whether images are copied, and
    whether what was written is read again and held against the source. Without images, their
    sizes are those that the labels say. Broken images end it, unless it `skips_broken` ones; which
    are `broken` is said where they were decoded already. A `division` says the split of each image
    where it is to be another one than the source has it in."""

    to: str
    task: str | None = None
    images: Literal["copy", "none"] = "copy"
    is_checked: bool = True
    skips_broken: bool = False
    broken: Mapping[str, str] | None = None
    division: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What was done. `images` are counted by split; `task` is what the rows of YOLO are of.
    `tasks` are those that the target is taken for, and `fidelity` is how much came back; both are
    None where nothing was read again. `left_out` are the images that cannot be read, with why."""

    source: Path
    target: Path
    from_format: str
    to_format: str
    images: Mapping[str, int]
    omissions: Sequence[Omission]
    task: str | None = None
    tasks: Sequence[str] | None = None
    fidelity: Fidelity | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Everything as plain data, for `--output json`."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "from": self.from_format,
            "to": self.to_format,
            "images": dict(self.images),
            "task": self.task,
            "tasks": None if self.tasks is None else list(self.tasks),
            "omissions": [
                {
                    "kind": one.kind,
                    "count": one.count,
                    "message": one.message,
                    "places": list(one.places),
                }
                for one in self.omissions
            ],
            "leftOut": dict(self.left_out),
            "fidelity": None if self.fidelity is None else self.fidelity.to_json(),
        }


def convert_dataset(
    source: Path,
    target: Path,
    wish: ConversionOptions,
    progress: Progress = lambda done, of: None,
) -> Conversion:
    """Write the data of `source` to `target` in another format; the source is left as it is.

    Raises `Refused` where `target` exists or cannot be of that format, `Permanent` where the
    source has errors, as inspection tells them, or broken images that are not to be skipped.
    """
    with _without_collector():
        return _convert(source, target, wish, progress)


def _convert(
    source: Path, target: Path, wish: ConversionOptions, progress: Progress
) -> Conversion:
    check_places(source, target)
    if wish.to == "imagefolder" and wish.images == "none":
        raise Refused(
            "imagefolder has no labels but the folders of its images", fix="leave out --images"
        )
    tree, layout = read_layout(source)
    form = choose_form(layout, wish.to, wish.task)
    reading = ReadingOptions(
        needs_sizes=form is not None,
        trusts_labels=wish.images == "none",
        skips_broken=wish.skips_broken,
        broken=wish.broken,
    )
    data = read_source(tree, layout, reading, progress)
    if wish.division is not None:
        data = replace(
            data,
            splits=_divide(data.splits, wish.division),
            old_folders=[part.path for part in layout.splits.values()],
        )
    placement = place_data(data, wish.to, form)
    tasks: Sequence[str] | None = None
    fidelity: Fidelity | None = None
    try:
        with stage_folder(target) as fresh:
            files = _write_labels(fresh, placement)
            if wish.images == "copy":
                _copy_images(source, fresh, placement, progress)
            if wish.is_checked:
                found, fidelity = read_back(fresh, files, placement, wish.to, form)
                tasks = found.tasks
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename}: {error.strerror}"
        ) from error
    return Conversion(
        source=source,
        target=target,
        from_format=layout.format,
        to_format=wish.to,
        images={
            split: len({one.name for one in part}) for split, part in placement.splits.items()
        },
        omissions=tuple(placement.omissions),
        task=find_task(form),
        tasks=tasks,
        fidelity=fidelity,
        left_out=data.broken,
    )


def _divide(
    splits: Mapping[str, Sequence[Sample]], division: Mapping[str, str]
) -> dict[str, Sequence[Sample]]:
    """The samples in the splits that the division says of their images."""
    found: dict[str, list[Sample]] = {
        split: [] for split in ("train", "val", "test") if split in division.values()
    }
    for samples in splits.values():
        for sample in samples:
            split = division[sample.image]
            found[split].append(sample._replace(split=split))
    return {**found}


@contextmanager
def _without_collector() -> Iterator[None]:
    """Millions of small things without a cycle are made, and nothing is won by looking for one
    again and again: it takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_places(source: Path, target: Path) -> None:
    """Raise `Refused` where the data of `source` cannot be written to `target`."""
    if target.exists() or target.is_symlink():
        raise Refused(f"{target} exists already", fix="name a folder that does not")
    if target.resolve().is_relative_to(source.resolve()):
        raise Refused(
            f"{target} lies in the data itself, and would become a part of it",
            fix="name a folder outside of it",
        )


def _write_labels(root: Path, placement: Placement) -> list[str]:
    """Write the files of labels; returns their paths."""
    writer, written = placement.writer, []
    made = set()
    for split, images in placement.splits.items():
        for path, content in writer.format_split(split, images):
            folder = posixpath.dirname(path)
            if folder not in made:
                (root / folder).mkdir(parents=True, exist_ok=True)
                made.add(folder)
            _write_file(f"{root}/{path}", content)
            written.append(path)
    for path, content in writer.format_dataset(list(placement.splits)):
        (root / path).write_bytes(content)
        written.append(path)
    return written


def _write_file(path: str, content: bytes) -> None:
    # A Path and a buffer for each of a million small files would take longer than to write them.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _copy_images(source: Path, root: Path, placement: Placement, progress: Progress) -> None:
    places = list_targets(placement)
    for done, (path, (_, image)) in enumerate(places.items(), 1):
        copy = root / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Not a link: mending one copy must not change the other.
        shutil.copyfile(source / image.sample.image, copy)
        progress(done, len(places))
