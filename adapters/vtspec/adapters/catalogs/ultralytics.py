"""Ultralytics' models: each of its architecture files in each scale, and each published file.

Nothing is downloaded: what is published is in the package's own list. SAM, FastSAM, MobileSAM and
YOLO-NAS are left out, as the package has no trainer for them, and so are text encoders, exports
and what is no model. RT-DETR, YOLO-World and YOLOE are listed as what the adapter does not train.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.ultralytics.architectures import (
    SUFFIXES,
    get_package_folder,
    guess_task,
    import_module,
    learns_otherwise,
    list_architectures,
    list_published,
    read_architecture,
    read_yaml,
)

from . import model_stats as stats

if TYPE_CHECKING:
    import torch

CLASSES: Final = 1000

LICENCE: Final = "agpl-3.0"

SMALLEST_STEP: Final = 32
"""The package's trainer rounds every side up to a multiple of this or of the largest stride."""

TASKS: Final[Mapping[str, str]] = {
    "detect": "object-detection",
    "segment": "instance-segmentation",
    "semantic": "semantic-segmentation",
    "depth": "depth-estimation",
    "classify": "image-classification",
    "pose": "pose-estimation",
    "obb": "oriented-detection",
}
"""The package's words for tasks, and ours."""

SIDES: Final[Mapping[str, int]] = {"classify": 224}
"""The side that the package trains a task with, where it is not 640."""

DATA: Final[Mapping[str, str]] = {
    "detect": "coco",
    "segment": "coco",
    "classify": "ImageNet",
    "pose": "coco-pose",
    "obb": "DOTAv1",
    "semantic": "cityscapes",
}
"""The package's name for the data that a published file of a task was trained on, where the
file's name does not say another; files of depth and of open vocabularies have none here."""


def get_versions() -> dict[str, str]:
    """Ultralytics' version, and torch's, which does the counting."""
    # Before the package is imported: it would look for a newer one of itself.
    os.environ["YOLO_OFFLINE"] = "true"
    return {name: version(name) for name in ("ultralytics", "torch")}


def list_models() -> list[str]:
    """Every architecture and scale, and every published file that can be trained, by name."""
    return sorted({*list_architectures(), *list_published()}, key=get_sort_key)


def get_renames() -> dict[str, str]:
    """Names of another time that the package still understands: yolov5n6, and yolov8x6."""
    known = set(list_architectures())
    scaled = [f"yolov{number}{scale}" for number in "58" for scale in "nsmlx"]
    old = {f"{name}6": f"{name}-p6" for name in scaled}
    return {name: new for name, new in sorted(old.items()) if new in known and name not in known}


def build_entry(name: str) -> JsonObject:
    """One model: what it does, what it costs, and the published files it can start from."""
    architecture = list_published().get(name, name)
    task = guess_task(architecture)
    side = SIDES.get(task, 640)
    return {
        "tasks": [TASKS[task]],
        **_measure_cost(architecture, task, side),
        **({"trained": False} if learns_otherwise(name) else {}),
        "weights": [_describe_weights(file, task) for file in _list_weight_files(name)],
    }


def _list_weight_files(name: str) -> list[str]:
    """The published file of that name, or the renewed one that the package takes for it."""
    if name in list_published():
        return [name]
    return [
        stem
        for stem, architecture in list_published().items()
        if architecture == name and stem.endswith("u")
    ]


def _describe_weights(stem: str, task: str) -> JsonObject:
    data = find_dataset_name(stem, task)
    classes = None if data is None else len(_read_dataset_config(data)["names"])
    weights = {
        "tag": stem if data is None else data.lower(),
        "licence": LICENCE,
        "hub": None,
        "url": f"{_get_release_url()}/{stem}.pt",
    }
    return weights if classes is None else {**weights, "classes": classes}


def find_dataset_name(stem: str, task: str) -> str | None:
    """The package's name for what a published file was trained on, or None where none is known."""
    told = next((suffix for suffix in SUFFIXES if suffix in stem), None)
    if told is not None:
        return SUFFIXES[told]
    return None if "yoloe" in stem or "-world" in stem else DATA.get(task)


@functools.cache
def _get_release_url() -> str:
    """Where the package downloads its files from, by the defaults of its own function."""
    download = import_module("utils.downloads").attempt_download_asset
    defaults = inspect.signature(download).parameters
    repository, release = defaults["repo"].default, defaults["release"].default
    return f"https://github.com/{repository}/releases/download/{release}"


@functools.cache
def _read_dataset_config(name: str) -> JsonObject:
    return read_yaml(get_package_folder() / "cfg" / "datasets" / f"{name}.yaml")


@functools.lru_cache(maxsize=4)
def _measure_cost(name: str, task: str, side: int) -> JsonObject:
    import torch

    network = _build_network(name, task)
    step = max(SMALLEST_STEP, int(network.stride.max()))
    head = network.model[-1]
    strides = getattr(head, "stride", None)
    network.to("meta")
    # The heads read their strides as numbers, which the meta device does not have.
    head.stride = strides

    def images(count: int) -> torch.Tensor:
        return torch.zeros(count, 3, side, side, device="meta")

    return {
        "parameters": stats.count_parameters(network),
        **_measure_per_class(name, task, network),
        "size": [side, side],
        "step": step,
        "build": False,
        "min": [step, step],
        "gmacs": _round_or_none(stats.attempt(lambda: stats.count_gmacs(network, images(1)))),
        "activations": _round_or_none(
            stats.attempt(lambda: stats.count_activations(network, images(2)))
        ),
    }


def _measure_per_class(name: str, task: str, network: torch.nn.Module) -> dict[str, int]:
    """For classifiers alone: the inner width of other heads depends on the number of classes."""
    if task != "classify":
        return {}
    return {
        "perClass": stats.count_parameters(network)
        - stats.count_parameters(_build_network(name, task, CLASSES - 1))
    }


def _build_network(name: str, task: str, classes: int | None = None) -> Any:
    tasks = import_module("nn.tasks")
    # The package tells of each network it builds.
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
    described = read_architecture(name)
    head = str(described["head"][-1][-2])
    if "RTDETR" in head:
        build = tasks.RTDETRDetectionModel
    elif "-world" in name:
        build = tasks.WorldModel
    elif "yoloe" in name:
        build = tasks.YOLOESegModel if task == "segment" else tasks.YOLOEModel
    else:
        build = {
            "detect": tasks.DetectionModel,
            "segment": tasks.SegmentationModel,
            "semantic": tasks.SemanticSegmentationModel,
            "depth": tasks.DepthModel,
            "classify": tasks.ClassificationModel,
            "pose": tasks.PoseModel,
            "obb": tasks.OBBModel,
        }[task]
    return build(described, nc=classes, verbose=False)


def get_sort_key(name: str) -> tuple[int, str]:
    """A key for sorting by version and then by name: yolov8n before yolo11n."""
    found = re.match(r"yolo(?:e-)?v?(\d+)", name)
    return int(found[1]) if found else 0, name


def _round_or_none(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
