"""Ultralytics' architectures: its files of them, in each of their scales, by name."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.json_types import JsonObject

SUFFIXES: Final[Mapping[str, str | None]] = {
    "-oiv7": "open-images-v7",
    "-ade20k": "ade20k",
    "-objv1-150": None,
    "-objv1": None,
    "-distill": None,
    "-pf": None,
}
"""What published files have in their names beyond their architecture's, and the package's name
for the data that it stands for, where that is in the package."""

UNTRAINED: Final = ("rtdetr", "-world", "yoloe")
"""Parts of the names of networks that learn in another way than the YOLO networks do: by
matching, or with texts."""

_SCALED: Final = re.compile(r"(yolo(?:e-)?v?\d+)(-.*)?")


@functools.cache
def list_architectures() -> dict[str, Path]:
    """Name → its file, for each architecture in each of its scales."""
    folder = get_package_folder() / "cfg" / "models"
    return {
        name: file
        for file in sorted(folder.rglob("*.yaml"))
        for name in list_scaled_names(file.stem, tuple(read_yaml(file).get("scales") or ()))
    }


def list_scaled_names(stem: str, scales: tuple[str, ...]) -> list[str]:
    """The names that a file of an architecture stands for: yolo11-seg for yolo11n-seg, and so on.

    A file whose name has its one scale in it, and one without scales, stands for itself.
    """
    found = _SCALED.fullmatch(stem)
    if found is None or not scales:
        return [stem]
    family, task = found[1], found[2] or ""
    return [f"{family}{scale}{task}" for scale in scales]


@functools.cache
def list_published() -> dict[str, str]:
    """Name of a published file, without `.pt` → its architecture, where it can be trained."""
    known = set(list_architectures())
    listed = import_module("utils.downloads").GITHUB_ASSETS_NAMES
    stems = sorted(name[: -len(".pt")] for name in listed if name.endswith(".pt"))
    found = ((stem, get_architecture(stem)) for stem in stems)
    return {stem: architecture for stem, architecture in found if architecture in known}


def get_architecture(stem: str) -> str:
    """The architecture of a published file: yolov5n-p6 of yolov5n6u, yolo26n-seg of
    yolo26n-objv1-seg, yolov3-spp of yolov3-sppu."""
    old = re.fullmatch(r"(yolov[35].*?)(6?)u", stem)
    if old is not None:
        return old[1] + ("-p6" if old[2] else "")
    for suffix in SUFFIXES:
        stem = stem.replace(suffix, "")
    return stem


def learns_otherwise(name: str) -> bool:
    """Whether a network of this name is one that the adapter cannot train."""
    return any(part in name for part in UNTRAINED)


def get_package_folder() -> Path:
    """Where the package lies."""
    return Path(import_module("cfg").__file__).parents[1]


def import_module(name: str) -> Any:
    """A module of the package, which is only there in an environment that was made for it."""
    return importlib.import_module(f"ultralytics.{name}")


def read_yaml(file: Path) -> JsonObject:
    """A file of the package's own."""
    read: JsonObject = import_module("utils").YAML.load(file)
    return read


def guess_task(name: str) -> str:
    """The package's word for the task of an architecture."""
    # The package's guess has no word for the head of RT-DETR, whose one task is to detect.
    guessed = import_module("nn.tasks").guess_model_task(read_architecture(name))
    return str(guessed or "detect")


def read_architecture(name: str) -> JsonObject:
    """The architecture as the package reads it, without the weights that it would download."""
    file = list_architectures()[name]
    scales = read_yaml(file).get("scales") or {}
    scale = parse_scale(name, tuple(scales))
    described = {**read_yaml(file), "scale": scale, "yaml_file": f"{name}.yaml"}
    layers = (*described["backbone"], *described["head"])
    for *_, module, arguments in layers:
        if module == "TorchVision":
            arguments[:] = [None if each == "DEFAULT" else each for each in arguments]
    return described


def parse_scale(name: str, scales: tuple[str, ...]) -> str:
    """The scale in a name: n of yolo11n-seg, and the only one where there is no other."""
    found = re.match(r"yolo(?:e-)?v?\d+([a-z])", name)
    if found is not None and found[1] in scales:
        return found[1]
    return scales[0] if len(scales) == 1 else ""
