"""A YOLO network for a job: built for its classes, with its start weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.json_source import parse_class_names
from vtspec.adapters.shell_command import format_command
from vtspec.adapters.suggestions import suggest_fix

from .architectures import (
    get_architecture,
    guess_task,
    learns_otherwise,
    list_architectures,
    list_published,
    read_architecture,
)
from .params import name_loss_settings

if TYPE_CHECKING:
    import torch

    from .task import VisionTask


def build_network(task: VisionTask, on_warning: Callable[[str], None]) -> torch.nn.Module:
    """The task's network on the CPU, drawn from PyTorch's random state where not loaded.

    Start weights for other classes get a new head for classes; `on_warning` tells.

    Raises:
        AdapterError: there is no such network, it is of another task, or it cannot be trained;
            weights that do not fit; an image size that it does not take.
    """
    from ultralytics.cfg import get_cfg
    from ultralytics.nn import tasks

    job = task.job
    name = find_architecture(job)
    if guess_task(name) != task.word:
        raise AdapterError(
            f"{job.model.name} is no network for {job.task.value}",
            format_command("vtspec", "models", "search", "--task", job.task.value),
        )
    classes = job.dataset.classes
    network: Any = getattr(tasks, task.network_class)(
        read_architecture(name), nc=len(classes), verbose=False, **task.list_arguments()
    )
    network.names = dict(enumerate(classes))
    # What losses read of the package's own settings.
    own = {**name_loss_settings(job), "epochs": job.training.epochs, "task": task.word}
    network.args = get_cfg(overrides=own)
    _check_size(network, job)
    _load_start(network, task, on_warning)
    task.set_up(network)
    return network  # type: ignore[no-any-return]


def find_architecture(job: Job) -> str:
    """The architecture that the job's model is, or is a published file of.

    Raises:
        AdapterError: there is none of that name, or it is trained otherwise.
    """
    name = list_published().get(job.model.name, get_architecture(job.model.name))
    known = list_architectures()
    if name not in known:
        fix = suggest_fix(job.model.name, list(known), "vtspec models search WORDS")
        raise AdapterError(f"ultralytics has no model '{job.model.name}'", fix)
    if learns_otherwise(name):
        raise AdapterError(
            f"{job.model.name} learns in another way than the YOLO networks do, which is not "
            "there yet",
            "take one of yolov8, yolo11 or yolo26",
        )
    return name


def freeze(network: Any, what: str | tuple[str, ...]) -> list[torch.nn.Module]:
    """Stop the weights named by `what` from learning; the batch norms whose statistics must stay
    put with them, for the caller to keep in `eval()` mode.

    `what` is `none`, `backbone` (the layers that the architecture calls so) or names of modules,
    such as `model.0`: each stands for itself and all beneath it.

    Raises:
        AdapterError: a name is no module of the model, or nothing is left to learn.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    modules = dict(network.named_modules())
    if what == "none":
        prefixes: tuple[str, ...] = ()
    elif what == "backbone":
        prefixes = tuple(f"model.{place}" for place in range(len(network.yaml["backbone"])))
    else:
        prefixes = tuple(what)
    for prefix in prefixes:
        if prefix not in modules:
            tops = ", ".join(name for name in modules if name.count(".") == 1)
            fix = suggest_fix(prefix, list(modules), f"name one of {tops}, or one beneath them")
            raise AdapterError(f"training.freeze: the model has no module '{prefix}'", fix)

    def is_frozen(name: str) -> bool:
        return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)

    for name, parameter in network.named_parameters():
        # The weights of `dfl` are the numbers from 0 on, and never learn.
        parameter.requires_grad_(not is_frozen(name) and ".dfl." not in name)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise AdapterError("training.freeze leaves nothing to learn", "freeze fewer modules")
    return [
        one for name, one in modules.items() if isinstance(one, _BatchNorm) and is_frozen(name)
    ]


def _check_size(network: Any, job: Job) -> None:
    height, width = job.training.image_size
    step = max(32, int(network.stride.max()))
    if height != width:
        raise AdapterError(
            f"training.imageSize: ultralytics trains on square images, not {height} by {width}",
            f"set training.imageSize: {max(height, width)}; images are padded, not stretched",
        )
    if height % step:
        below = max(height // step, 1) * step
        raise AdapterError(
            f"training.imageSize: {job.model.name} takes multiples of {step}, not {height}",
            f"set training.imageSize: {below} or {below + step}",
        )


def _load_start(network: Any, task: VisionTask, on_warning: Callable[[str], None]) -> None:
    model = task.job.model
    if model.weights is not None:
        _load_file(network, model.weights, task, on_warning)
    elif model.pretrained or model.hub_id is not None:
        # A hub's repositories of Ultralytics have these alone.
        raise AdapterError(
            f"weights {model.hub_id or model.name} are a .pt file, which is a pickle of whole "
            "objects and no safetensors",
            "python -m vtspec.adapters.ultralytics FILE.pt FILE.safetensors, and name that under "
            "model.weights",
        )


def _load_file(
    network: Any, weights: Path, task: VisionTask, on_warning: Callable[[str], None]
) -> None:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(weights, framework="pt") as file:
            named = (file.metadata() or {}).get("classes")
        given = load_file(weights)
    except (SafetensorError, OSError) as error:
        raise AdapterError(
            f"{weights} is not readable as safetensors: {error}", "give another file of weights"
        ) from error
    job, own = task.job, network.state_dict()
    # The same number of classes is no proof: cat and dog may have changed places.
    other = named is not None and parse_class_names(named, weights) != list(job.dataset.classes)
    apart = {
        name
        for name, tensor in own.items()
        if name not in given or given[name].shape != tensor.shape
    }
    fresh = {
        name for name in own if re.match(task.class_layers, name) and (other or name in apart)
    }
    # What follows from the labels otherwise, such as how many points a body has.
    more = {name for name in apart - fresh if re.match(task.label_layers or "$", name)}
    unfit = [name for name in own if name in apart - fresh - more]
    unfit += [name for name in given if name not in own]
    if unfit:
        raise AdapterError(
            f"{weights} does not fit {job.model.name}: '{unfit[0]}' is missing, is not of it or "
            "of another shape",
            "take weights of this very model, or leave model.weights out",
        )
    # Of buffers NaN alone: infinities may be meant.
    broken = [name for name, tensor in given.items() if tensor.isnan().any()]
    if broken:
        raise AdapterError(
            f"{weights}: '{broken[0]}' holds what is no number, which nothing can be trained from",
            "give other weights, or leave model.weights out",
        )
    if fresh:
        on_warning(
            f"{weights.name} was trained for other classes: the layers that tell them apart "
            "start at random"
        )
    elif named is None:
        on_warning(f"{weights.name} does not say its classes: its head is kept as it is")
    if more:
        on_warning(
            f"{weights.name} was trained for labels of another form: the layers that follow from "
            "it start at random"
        )
    network.load_state_dict({**given, **{name: own[name] for name in fresh | more}})
