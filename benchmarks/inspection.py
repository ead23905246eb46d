"""How long a look at data takes: every image decoded, headers alone, and datumaro beside it.

Makes a folder of classes of small images (128 x 128; three in four are JPEG, the others PNG), and
has each tool look at it by turns, in a process of its own; seconds of the wall and of the CPU,
without starting and importing, after a first look that warms the disk's cache. datumaro, in an
environment of its own that uv makes, computes what its commands `stats` (which decodes every
image) and `validate` say.

Run: python benchmarks/inspection.py [--images N] [--rounds N] [--folder FOLDER]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

MEMORY = Path("/dev/shm")
SIDE = 128
CLASSES = 10
PEER = "datumaro==1.13.12"


def main() -> int:
    """Measure all tools and print the figures."""
    parser = argparse.ArgumentParser(description="Measure the inspection of images.")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Where the images are, or are made.")
    parser.add_argument("--measure", choices=TOOLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.folder)))
        return 0
    if options.folder is not None:
        compare(options.folder, options)
        return 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        compare(Path(folder) / "images", options)
    return 0


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Run the tools by turns, and print a row for each."""
    if not folder.exists():
        make_data(folder, options.images)
    walls: dict[str, list[float]] = defaultdict(list)
    spent: dict[str, list[float]] = defaultdict(list)
    for lap in range(options.rounds + 1):
        for tool in TOOLS if lap else ("fast",):
            words = [__file__, "--measure", tool, "--folder", str(folder)]
            done = subprocess.run(
                [*find_python(tool), *words], stdout=subprocess.PIPE, text=True, check=True
            )
            wall, cpu = json.loads(done.stdout.splitlines()[-1])
            if lap:
                walls[tool].append(wall)
                spent[tool].append(cpu)
    print(f"{options.images:,} images of {SIDE} x {SIDE}")
    whole_s, whole_cpu_s = (statistics.median(times["full"]) for times in (walls, spent))
    for tool in TOOLS:
        wall, cpu = (statistics.median(times[tool]) for times in (walls, spent))
        print(
            f"{tool:<10}{wall:>8.1f} s ({min(walls[tool]):.1f} to {max(walls[tool]):.1f}), "
            f"{cpu:.1f} s of CPU; {whole_s / wall:.1f}x and {whole_cpu_s / cpu:.1f}x the full look"
        )


def find_python(tool: str) -> list[str]:
    """The Python that has a tool."""
    if tool != "datumaro":
        return [sys.executable]
    return ["uv", "run", "--quiet", "--no-project", "--isolated", "--with", PEER, "python"]


def make_data(root: Path, count: int) -> None:
    """Write a folder of classes in train and val, four to one."""
    from PIL import Image

    for number in range(count):
        split = "val" if number % 5 == 0 else "train"
        folder = root / split / f"class-{number // 5 % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        # Soft colours: noise would be larger than any photograph.
        spots = Image.frombytes("RGB", (9, 9), random.Random(number).randbytes(3 * 81))
        image = spots.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        if number % 4:
            image.save(folder / f"{number}.jpg", quality=90)
        else:
            image.save(folder / f"{number}.png")


def measure(tool: str, folder: Path) -> tuple[float, float]:
    """Seconds of the wall and of the CPU that a tool looks at the folder for."""
    look = TOOLS[tool](folder)
    wall, cpu = time.perf_counter(), time.process_time()
    look()
    return time.perf_counter() - wall, time.process_time() - cpu


def prepare_full(folder: Path) -> Callable[[], object]:
    """vtspec, every image decoded, compared and hashed."""
    from vtspec.pipelines.operations.datasets import inspect_data

    warm_up()
    return lambda: require_sound(inspect_data(folder, lambda done, of: None))


def prepare_fast(folder: Path) -> Callable[[], object]:
    """vtspec, headers alone."""
    from vtspec.pipelines.operations.datasets import inspect_data

    warm_up()
    return lambda: require_sound(inspect_data(folder, lambda done, of: None, is_fast=True))


def warm_up() -> None:
    """Import what is imported where it is needed."""
    import numpy  # noqa: F401
    from PIL import Image

    import vtspec.pipelines.data.inspection.inspect
    import vtspec.schema.kinds.dataset  # noqa: F401

    Image.init()


def require_sound(found: object) -> None:
    """A look that found an error would have left out a part."""
    assert not getattr(found, "errors", None), found


def prepare_datumaro(folder: Path) -> Callable[[], object]:
    """datumaro's commands `stats` and `validate`, without starting them."""
    from datumaro.components.dataset import Dataset
    from datumaro.components.operations import (
        compute_ann_statistics,
        compute_image_statistics,
    )
    from datumaro.plugins.validators import ClassificationValidator

    def look() -> object:
        dataset = Dataset.import_from(str(folder), "imagenet_with_subset_dirs")
        validator = ClassificationValidator(
            few_samples_thr=1, imbalance_ratio_thr=50, far_from_mean_thr=5.0,
            dominance_ratio_thr=0.8, topk_bins=0.1,
        )  # fmt: skip
        return (
            compute_ann_statistics(dataset),
            compute_image_statistics(dataset),
            validator.validate(dataset),
        )

    return look


TOOLS = {"full": prepare_full, "fast": prepare_fast, "datumaro": prepare_datumaro}


if __name__ == "__main__":
    sys.exit(main())
