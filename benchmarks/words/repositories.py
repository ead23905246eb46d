"""The repositories in which every request is drafted: its own, and two with more names in them.

A drafter knows the names of a repository, and people's words are full of what may be one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml
from request import WORLD, Request

from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.project.spec_index import FOLDERS
from vtspec.schema.load import LoadedSpec, load

_PRODUCT: Final = WORLD.parents[2]
"""The repository that vtspec itself is developed in."""

_COMMON: Final = ("a", "on", "small", "test", "train", "best")
"""Words that are in half of all requests, and names here: of datasets, specs and GPU types."""

_COMMON_CLASSES: Final = (*_COMMON, "한", "이", "데이터", "작은")


def build_world() -> Repository:
    """The repository that the requests were written for."""
    return find_repository(WORLD)


def build_product() -> Repository:
    """The world with the specs and the GPU types of this very repository; of its datasets those
    that its experiments are on, since the only one of a task answers what is a question without,
    and none of a task that the world has one dataset of, since two are a question.
    """
    product = find_repository(_PRODUCT)
    files = [
        path for kind in FOLDERS for path in product.find_spec_files(kind).values()
    ]  # fmt: skip
    specs = [yaml.safe_load(path.read_bytes()) for path in files]
    answered = _list_single_tasks()
    specs = [
        each
        for each in specs
        if each["kind"] != "Experiment" or each["spec"]["task"] not in answered
    ]
    trained_on = {each["spec"]["dataset"]["ref"] for each in specs if each["kind"] == "Experiment"}
    specs = [
        each
        for each in specs
        if each["kind"] != "Dataset" or each["metadata"]["name"] in trained_on
    ]
    types = yaml.safe_load((_PRODUCT / "vtspec.yaml").read_bytes())["spec"]["gpuTypes"]
    return _add_names(specs, types)


def _list_single_tasks() -> set[str]:
    files = build_world().find_spec_files("Dataset").values()
    found = Counter(
        task for path in files for task in yaml.safe_load(path.read_bytes())["spec"]["tasks"]
    )
    return {task for task, count in found.items() if count == 1}


def build_collisions() -> Repository:
    """The world with datasets, classes, specs and GPU types that are common words."""
    world = build_world()
    dataset = yaml.safe_load(world.find_spec_files("Dataset")["cats"].read_bytes())
    dataset["spec"] |= {
        "description": "A small test of the best data to train on",
        "classes": list(_COMMON_CLASSES),
    }
    spec = yaml.safe_load(world.find_spec_files("Experiment")["cats-resnet50"].read_bytes())
    named = [
        {**each, "metadata": {"name": name}} for name in _COMMON for each in (dataset, spec)
    ]  # fmt: skip
    types = {name: {"memory": "16Gi"} for name in (*_COMMON, "small-80", "a-10")}
    return _add_names(named, types)


REPOSITORIES: Final[Mapping[str, Callable[[], Repository]]] = {
    "world": build_world,
    "product": build_product,
    "collisions": build_collisions,
}


def is_decided_in(request: Request, name: str) -> bool:
    """Whether what a request expects is right in a repository too: the product has two A100."""
    wanted = request.fields.get("spec.resources.gpuType")
    said = " ".join(request.texts)
    return name != "product" or wanted != "a100-80" or "80" in said.replace("800", "")


def _add_names(specs: list[Any], gpu_types: Mapping[str, Any]) -> Repository:
    world = build_world()
    assert world.config is not None
    config = world.config.document.data
    both = {**gpu_types, **config["spec"]["gpuTypes"]}
    merged = {**config, "spec": {**config["spec"], "gpuTypes": both}}
    loaded: list[LoadedSpec] = []
    paths: dict[str, str] = {}
    for data in specs:
        kind, name = data["kind"], data["metadata"]["name"]
        # a name that the world has stays the world's
        if name in world.find_spec_files(kind):
            continue
        path = world.get_spec_path(kind, name)
        loaded.append(_load(data, path))
        paths[str(path)] = str(path)
    return replace(
        world.with_specs(loaded, paths), config=_load(merged, WORLD / "vtspec.yaml")
    )  # fmt: skip


def _load(data: Any, path: Path) -> LoadedSpec:
    spec = load(yaml.safe_dump(data, allow_unicode=True), str(path))
    assert not spec.problems, spec.problems
    return spec
