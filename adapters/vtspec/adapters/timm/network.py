"""A timm network for a job: built for its classes and image size, with its start weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.json_source import parse_class_names
from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.suggestions import suggest_fix

if TYPE_CHECKING:
    import torch

_ARGUMENTS = {
    "dropRate": "drop_rate",
    "dropPathRate": "drop_path_rate",
    "globalPool": "global_pool",
}
"""Params that are arguments of the network itself, left out where they are None."""


def build_network(job: Job, on_warning: Callable[[str], None]) -> torch.nn.Module:
    """The job's network on the CPU, drawn from PyTorch's random state where not loaded.

    Start weights with another number of classes, or with a list of classes that is not the
    job's, get a new head; `on_warning` tells. The network is tried on an empty image.

    Raises:
        AdapterError: timm has no such model; weights that do not fit or cannot be fetched; a
            param or an image size that the model does not take.
    """
    import timm

    name = job.model.name
    if not timm.is_model(name):
        fix = suggest_fix(name, timm.list_models(), "vtspec models search WORDS")
        raise AdapterError(f"timm has no model '{name}'", fix)
    arguments: dict[str, Any] = {
        argument: job.params[param]
        for param, argument in _ARGUMENTS.items()
        if job.params[param] is not None
    }
    known = timm.models.get_pretrained_cfg(name)
    if known is not None and known.fixed_input_size:
        arguments["img_size"] = job.training.image_size
    start = _resolve_weights(job, on_warning)
    try:
        model: torch.nn.Module = timm.create_model(
            name,
            pretrained=start is not None,
            pretrained_cfg_overlay=start,
            num_classes=len(job.dataset.classes),
            **arguments,
        )
    except TypeError as error:
        raise AdapterError(
            f"{name} does not take one of {', '.join(arguments)}: {error}",
            "leave that one out of params",
        ) from error
    except (RuntimeError, ValueError, AssertionError, OSError) as error:
        raise _make_build_error(job, start, error) from error
    if start is not None:
        _check_numbers(model, str(start.get("file") or start["hf_hub_id"]))
    _check_forward(model, job)
    if job.params["gradientCheckpointing"]:
        _enable_grad_checkpointing(model, job)
    return model


def freeze(model: torch.nn.Module, what: str | tuple[str, ...]) -> list[torch.nn.Module]:
    """Stop the weights named by `what` from learning; the batch norms whose statistics must stay
    put with them, for the caller to keep in `eval()` mode.

    `what` is `none`, `backbone` (all but the classifier) or names of modules: each stands for
    itself and all beneath it.

    Raises:
        AdapterError: a name is no module of the model, or nothing is left to learn.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    if what == "none":
        return []
    modules = dict(model.named_modules())
    heads = _list_classifier_names(model)
    if what == "backbone":
        if not heads:
            raise AdapterError("the model has no classifier that could learn alone")
    else:
        for prefix in what:
            if prefix not in modules:
                raise _make_module_error(prefix, list(modules))

    def frozen(name: str) -> bool:
        return not _is_under(name, heads) if what == "backbone" else _is_under(name, what)

    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not frozen(name))
    # An optimizer without parameters fails much later, and in words of its own.
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise AdapterError("training.freeze leaves nothing to learn", "freeze fewer modules")
    return [m for name, m in modules.items() if isinstance(m, _BatchNorm) and frozen(name)]


def _resolve_weights(job: Job, on_warning: Callable[[str], None]) -> dict[str, str | int] | None:
    model = job.model
    if model.weights is not None:
        return {"file": str(model.weights), **_resolve_head(model.weights, job, on_warning)}
    if model.hub_id is not None:
        # A plan pins one; this keeps a hand-made job from training on what a hub changes.
        if model.hub_revision is None:
            raise AdapterError(
                f"weights {model.hub_id} without a revision could change under the run",
                f"write hf-hub:{model.hub_id}@REVISION",
            )
        return {"hf_hub_id": f"{model.hub_id}@{model.hub_revision}"}
    if model.pretrained:
        raise AdapterError(
            f"pretrained weights of {model.name} are wanted, but the plan names none",
            "plan the experiment again",
        )
    return None


def _resolve_head(weights: Path, job: Job, on_warning: Callable[[str], None]) -> dict[str, int]:
    """What timm is to believe of the head in a file, so that it keeps or replaces it rightly."""
    names, rows = _describe_head(weights, job.model.name)
    wanted = list(job.dataset.classes)
    if rows is None:
        # The file has timm's original names, which timm itself translates and judges.
        return {}
    # The same number of classes is no proof: cat and dog may have changed places.
    if names is not None and names != wanted:
        on_warning(f"{weights.name} was trained for other classes: the head starts at random")
        return {"num_classes": 0}
    if rows != len(wanted):
        on_warning(
            f"{weights.name} has a head of {rows} class{'es' * (rows != 1)}, the data "
            f"{len(wanted)}: the head starts at random"
        )
    elif names is None:
        on_warning(f"{weights.name} does not say its classes: its head is kept as it is")
    return {"num_classes": rows}


def _describe_head(weights: Path, name: str) -> tuple[list[str] | None, int | None]:
    import timm
    from safetensors import SafetensorError, safe_open

    known = timm.models.get_pretrained_cfg(name)
    classifier = known.classifier if known is not None else None
    first = classifier if isinstance(classifier, str) else (classifier or ("",))[0]
    try:
        with safe_open(weights, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            key = f"{first}.weight"
            shape = file.get_slice(key).get_shape() if key in file.keys() else []
    except (SafetensorError, OSError) as error:
        raise AdapterError(
            f"{weights} is not readable as safetensors: {error}", "give another file of weights"
        ) from error
    named = metadata.get("classes")
    names = None if named is None else parse_class_names(named, weights)
    return names, next(iter(shape), None)


def _check_numbers(model: torch.nn.Module, source: str) -> None:
    # Of buffers NaN alone: a mask of attention is made of infinities.
    broken = [name for name, found in model.named_parameters() if not found.isfinite().all()]
    broken += [name for name, found in model.named_buffers() if found.isnan().any()]
    if broken:
        raise AdapterError(
            f"{source}: '{broken[0]}' holds what is no number, which nothing can be trained from",
            "give other weights, or leave model.weights out",
        )


def _make_build_error(job: Job, start: JsonObject | None, error: Exception) -> AdapterError:
    reason = str(error).strip().splitlines()
    said = "; ".join(line.strip() for line in reason[:3]) or type(error).__name__
    if start is None:
        return AdapterError(f"timm cannot build {job.model.name}: {said}", "check params")
    source = start.get("file") or start["hf_hub_id"]
    if isinstance(error, OSError):
        return AdapterError(
            f"weights {source} cannot be fetched: {said}",
            "check the network, or name a .safetensors file under model.weights",
        )
    return AdapterError(
        f"weights {source} do not fit {job.model.name}: {said}",
        "take weights of this very model, or leave model.weights out",
    )


def _enable_grad_checkpointing(model: torch.nn.Module, job: Job) -> None:
    switch = getattr(model, "set_grad_checkpointing", None)
    try:
        # timm's models that cannot do it have the method, and assert.
        assert switch is not None
        switch(enable=True)
    except AssertionError as error:
        raise AdapterError(
            f"{job.model.name} cannot recompute its activations",
            "leave out params.gradientCheckpointing",
        ) from error


def _check_forward(model: torch.nn.Module, job: Job) -> None:
    import torch

    height, width = job.training.image_size
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            shape = tuple(model(torch.zeros(1, 3, height, width)).shape)
    except (RuntimeError, ValueError, AssertionError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise AdapterError(
            f"{job.model.name} does not take images of {height} by {width} pixels: {said}",
            "set training.imageSize to the model's own; 'vtspec models search' shows it",
        ) from error
    finally:
        model.train(training)
    if shape != (1, len(job.dataset.classes)):
        raise AdapterError(
            f"{job.model.name} gives outputs of shape {shape}, not one score a class",
            "take another model, or another params.globalPool",
        )


def _list_classifier_names(model: torch.nn.Module) -> tuple[str, ...]:
    found = getattr(model, "get_classifier", lambda: None)()
    heads = found if isinstance(found, tuple | list) else [found]
    with_weights = [head for head in heads if head is not None and list(head.parameters())]
    return tuple(
        name
        for name, module in model.named_modules()
        if any(module is head for head in with_weights)
    )


def _is_under(name: str, prefixes: tuple[str, ...] | str) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _make_module_error(prefix: str, names: list[str]) -> AdapterError:
    tops = ", ".join(name for name in names if name and "." not in name)
    fix = suggest_fix(prefix, names, f"name one of {tops}, or one beneath them")
    return AdapterError(f"training.freeze: the model has no module '{prefix}'", fix)
