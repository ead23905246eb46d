"""How fast COCO becomes YOLO, beside Ultralytics' and supervision's converters on the same files.

Makes a data set (5,000 images, some 38,000 boxes, a hundredth of the images without any) in memory
where there is such a folder, as on a disk most of the time is its own, and has each tool write the
labels alone, in a process of its own and by turns; medians of images a CPU second (user and
system, without starting and importing). Then it holds every row against the data set: images that
have no file, and the largest distance of a side in pixels.

The peers run in an environment of their own, which uv makes. vtspec is measured twice: as the
peers, which look at nothing of what they wrote, and with its own check.

Run: python benchmarks/conversion.py [--images N] [--rounds N]
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

MEMORY = Path("/dev/shm")
SIZES = ((640, 480), (480, 640), (640, 427), (500, 375), (612, 612))
CLASSES = 80
PEERS = ("ultralytics==8.4.190", "supervision==0.31.2")


def main() -> int:
    """Measure all tools and print the figures."""
    parser = argparse.ArgumentParser(description="Measure the conversion of COCO to YOLO.")
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.folder)))
        return 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        truth = make_data(Path(folder) / "coco", options.images)
        compare(Path(folder), truth, options)
    return 0


def compare(folder: Path, truth: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Run the tools by turns, and print a row for each."""
    seconds: dict[str, list[float]] = defaultdict(list)
    found = {}
    for _ in range(options.rounds):
        for tool in TOOLS:
            words = [__file__, "--measure", tool, "--folder", folder]
            done = subprocess.run(
                [*find_python(tool), *map(str, words)],
                capture_output=True,
                text=True,
                check=True,
                env={
                    **os.environ,
                    "OMP_NUM_THREADS": "1",
                    **QUIET,
                    "YOLO_CONFIG_DIR": str(folder),
                },
            )
            seconds[tool].append(json.loads(done.stdout.splitlines()[-1]))
            found[tool] = judge(folder / "out", truth)
            shutil.rmtree(folder / "out")
    print(f"{options.images:,} images, {len(truth['annotations']):,} boxes")
    speed = {tool: options.images / statistics.median(times) for tool, times in seconds.items()}
    best = max(speed["ultralytics"], speed["supervision"])
    for tool, rate in speed.items():
        times = seconds[tool]
        spread = f"{options.images / max(times):,.0f} to {options.images / min(times):,.0f}"
        print(f"{tool:<16}{rate:>8,.0f} images/s ({spread}), {rate / best:.2f}x; {found[tool]}")


def find_python(tool: str) -> list[str]:
    """The Python that has a tool."""
    if tool.startswith("vtspec"):
        return [sys.executable]
    peers = [word for peer in PEERS for word in ("--with", peer)]
    return ["uv", "run", "--quiet", "--no-project", "--isolated", *peers, "python"]


QUIET = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}


def make_data(root: Path, count: int) -> dict[str, Any]:
    """Write a data set of COCO, and return what its file says."""
    from PIL import Image

    chance = random.Random(1)
    (root / "images" / "val").mkdir(parents=True)
    (root / "annotations").mkdir()
    pictures = {}
    for size in SIZES:
        written = io.BytesIO()
        Image.new("RGB", size, (90, 120, 60)).save(written, "JPEG")
        pictures[size] = written.getvalue()
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number in range(count):
        name, size = f"{number:012d}.jpg", chance.choice(SIZES)
        (root / "images" / "val" / name).write_bytes(pictures[size])
        row = {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        images.append({**row, "license": 1, "coco_url": f"http://images.example/{name}"})
        shown = 0 if number % 100 == 99 else min(int(chance.expovariate(1 / 7.4)) + 1, 90)
        boxes += [make_box(len(boxes) + at, number, size, chance) for at in range(1, shown + 1)]
    content = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, CLASSES + 1)],
    }
    (root / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return content


def make_box(
    number: int, image: int, size: Sequence[int], chance: random.Random
) -> dict[str, Any]:
    """A box with two decimals, as COCO's are."""
    width, height = (round(chance.uniform(4, side * 0.6), 2) for side in size)
    x, y = (
        round(chance.uniform(0, size[0] - width), 2),
        round(chance.uniform(0, size[1] - height), 2),
    )
    return {
        **{"id": number, "image_id": image, "category_id": chance.randint(1, CLASSES)},
        **{"bbox": [x, y, width, height], "area": width * height, "iscrowd": 0},
    }


def measure(tool: str, folder: Path) -> float:
    """CPU seconds of one conversion of `folder/coco` to `folder/out`."""
    convert = TOOLS[tool](folder / "coco", folder / "out")
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        convert()
    return time.process_time() - start


def prepare_vtspec(
    source: Path, target: Path, *, is_checked: bool = False
) -> Callable[[], object]:
    """vtspec, without a look at images or at what it wrote, as its peers."""
    from vtspec.pipelines.data.conversion.convert import ConversionOptions, convert_dataset

    wish = ConversionOptions(to="yolo", images="none", is_checked=is_checked)
    return lambda: convert_dataset(source, target, wish)


def prepare_checked(source: Path, target: Path) -> Callable[[], object]:
    """vtspec, which reads again what it wrote."""
    return prepare_vtspec(source, target, is_checked=True)


def prepare_ultralytics(source: Path, target: Path) -> Callable[[], object]:
    """Ultralytics, told to leave the numbers of classes as they are."""
    from ultralytics.data.converter import convert_coco

    return lambda: convert_coco(
        labels_dir=str(source / "annotations"),
        save_dir=str(target),
        use_segments=False,
        cls91to80=False,
    )


def prepare_supervision(source: Path, target: Path) -> Callable[[], object]:
    """supervision, which decodes each image to know its size."""
    import supervision

    def convert() -> None:
        data = supervision.DetectionDataset.from_coco(
            str(source / "images" / "val"), str(source / "annotations" / "instances_val.json")
        )
        data.as_yolo(
            annotations_directory_path=str(target / "labels"),
            data_yaml_path=str(target / "data.yaml"),
        )

    return convert


TOOLS: Mapping[str, Callable[[Path, Path], Callable[[], object]]] = {
    "vtspec": prepare_vtspec,
    "vtspec, checked": prepare_checked,
    "ultralytics": prepare_ultralytics,
    "supervision": prepare_supervision,
}


def judge(out: Path, truth: Mapping[str, Any]) -> str:
    """How many images have no file of labels, and how far rows are from the truth."""
    files = {path.stem: path for path in out.rglob("*.txt")}
    sizes = {row["id"]: (row["width"], row["height"]) for row in truth["images"]}
    boxes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in truth["annotations"]:
        boxes[row["image_id"]].append(row)
    missing = lost = 0
    error = 0.0
    for image in truth["images"]:
        path = files.get(Path(image["file_name"]).stem)
        missing += path is None
        rows = [] if path is None else [line.split() for line in path.read_text().splitlines()]
        lost += len(boxes[image["id"]]) - len(rows)
        for box, (index, *shares) in zip(boxes[image["id"]], rows, strict=False):
            assert int(index) == box["category_id"] - 1, "another class"
            error = max(
                error, compute_error(box["bbox"], list(map(float, shares)), sizes[image["id"]])
            )
    return f"{missing} images and {lost} boxes missing, sides within {error:.1e} px"


def compute_error(box: Sequence[float], shares: Sequence[float], size: Sequence[int]) -> float:
    """The largest distance between the sides of both, in pixels."""
    x, y, width, height = box
    wide, high = shares[2] * size[0], shares[3] * size[1]
    left, top = shares[0] * size[0] - wide / 2, shares[1] * size[1] - high / 2
    pairs = ((x, left), (y, top), (x + width, left + wide), (y + height, top + high))
    return max(abs(one - other) for one, other in pairs)


if __name__ == "__main__":
    sys.exit(main())
