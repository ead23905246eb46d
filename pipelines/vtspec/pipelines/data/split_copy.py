"""A folder of classes copied into one of train, val and test."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from vtspec.adapters.durable_files import stage_folder
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.inspection.inspect import Inspection
from vtspec.pipelines.errors import Permanent, refuse_system_error
from vtspec.pipelines.formatting import pluralize

from .stratified_split import split_stratified


def split_dataset(
    inspection: Inspection,
    target: Path,
    shares: Mapping[str, float],
    *,
    skip_broken: bool = False,
) -> dict[str, int]:
    """Copy the images to `target/<split>/<class>/…`; returns how many went to each split.

    The inspected folder is left as it is. The division depends on the images alone (see
    `split_stratified`): the same images are divided alike everywhere, and copies of an image stay
    together. Raises `Permanent` where the data is split already, has broken images that are not
    to be skipped (or no others), or `target` exists.
    """
    layout = inspection.layout
    if layout.format != "imagefolder" or "all" not in layout.splits:
        raise Permanent(
            f"{inspection.path} is split already, or is no folder of classes: {layout.why}",
            fix=format_command("vtspec", "datasets", "add", inspection.path, "--name", "NAME"),
        )
    if target.exists():
        raise Permanent(f"{target} exists already", fix="name a folder that does not")
    broken = {look.image for look in inspection.looks.values() if look.fault}
    items = [
        (item.classes[0], inspection.looks[item.image].pixels, item.image)
        for item in layout.splits["all"].items
        if item.image not in broken
    ]
    if broken and not (skip_broken and items):
        raise Permanent(
            f"{pluralize(len(broken), 'image is', 'images are')} broken, such as {min(broken)}",
            fix=format_command("vtspec", "datasets", "inspect", inspection.path)
            + " lists them"
            + ("" if skip_broken else ", --skip-broken leaves them out"),
        )
    found = split_stratified(items, shares)
    empty = next((split for split, images in found.items() if not images), None)
    if empty is not None:
        raise Permanent(
            f"{pluralize(len(items), 'image is', 'images are')} too few: split '{empty}' would "
            "get none",
            fix="--shares 50/50, or more images",
        )
    _copy_images(inspection.path, target, found)
    return {split: len(images) for split, images in found.items()}


def _copy_images(source: Path, target: Path, found: Mapping[str, list[str]]) -> None:
    try:
        with stage_folder(target) as fresh:
            for split, images in found.items():
                for image in images:
                    copy = fresh / split / image
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    # Not a link: mending one copy must not change the other.
                    shutil.copyfile(source / image, copy)
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{error.filename}: {error.strerror}"
        ) from error
