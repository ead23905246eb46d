"""timm's models: each of `timm.list_models()`, built and measured on the meta device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from vtspec.adapters.json_types import JsonObject

from . import model_stats as stats

if TYPE_CHECKING:
    import torch

CLASSES = 1000

# Of every network with a classifier: what its outputs mean is for the loss to say.
TASKS = ("image-classification", "multilabel-classification")

Size = tuple[int, int]

Takes = Callable[[Size], bool]

# Distances from the model's own side that are tried, to learn by which steps its side may differ.
STEPS = (1, 2, 4, 7, 8, 14, 16, 28, 32, 48, 56, 64, 128)

# Sides that are tried, to learn between which two the smallest lies.
SIDES = (1, 16, 32, 64, 128, 256, 512)


def get_versions() -> dict[str, str]:
    """timm's version, and torch's, which does the counting."""
    return {name: version(name) for name in ("timm", "torch")}


def list_models() -> list[str]:
    """Every architecture, in timm's own order."""
    import timm

    return list(timm.list_models())


def get_renames() -> dict[str, str]:
    """Names that timm has given up and still understands."""
    from timm.models._registry import get_deprecated_models

    return {old: new for old, new in sorted(get_deprecated_models().items()) if new}


def build_entry(name: str) -> JsonObject:
    """One architecture: what it is, what it costs, and its published weights."""
    network = _build_network(name)
    size = _get_size(_get_config(name).input_size)
    takes = _make_size_check(name, network)
    classifies = takes(size)
    step = _find_step(takes, size) if classifies else None
    return {
        "tasks": list(TASKS) if classifies else [],
        "parameters": stats.count_parameters(network),
        "perClass": _count_class_parameters(name, network),
        "size": list(size),
        "step": step,
        "build": _get_config(name).fixed_input_size,
        "min": None if step is None else list(find_smallest_size(takes, size, step)),
        "gmacs": _round_or_none(
            stats.attempt(lambda: stats.count_gmacs(network, _make_images(1, size)))
        ),
        "activations": _round_or_none(
            stats.attempt(lambda: stats.count_activations(network, _make_images(2, size)))
        ),
        "weights": _list_weights(name),
    }


def _get_config(name: str) -> Any:
    import timm

    return timm.get_pretrained_cfg(name)


def _build_network(name: str, classes: int = CLASSES, size: Size | None = None) -> torch.nn.Module:
    import timm

    # Those that timm calls fixed have a table of positions, or windows, for one size.
    sized = size is not None and _get_config(name).fixed_input_size
    given: dict[str, Any] = {"img_size": size} if sized else {}
    with stats.use_meta_device():
        network: torch.nn.Module = timm.create_model(name, num_classes=classes, **given)
    return network


def _make_images(count: int, size: Size) -> torch.Tensor:
    import torch

    return torch.zeros(count, 3, *size, device="meta")


def _count_class_parameters(name: str, network: torch.nn.Module) -> int:
    # Counted, as heads differ: with or without bias, two of them in distilled models.
    fewer = stats.count_parameters(_build_network(name, classes=CLASSES - 1))
    return stats.count_parameters(network) - fewer


def _make_size_check(name: str, network: torch.nn.Module) -> Takes:
    """A function that says whether the model classifies images of a size, by running it on one."""

    own = _get_config(name)

    def takes(size: Size) -> bool:
        sized = size != own.input_size[1:] and own.fixed_input_size
        fitting = _build_network(name, size=size) if sized else network
        return stats.get_output_shape(fitting, _make_images(1, size)) == (1, CLASSES)

    return lambda size: stats.attempt(lambda: takes(size)) or False


def _find_step(takes: Takes, size: Size) -> int | None:
    larger = (
        (step, (size[0] + step, size[1] + step)) for step in (*STEPS, *_get_doubling_step(size))
    )
    return next((step for step, each in larger if takes(each)), None)


def _get_doubling_step(size: Size) -> tuple[int, ...]:
    # Networks whose inner windows divide their own size exactly take twice that size.
    height, width = size
    return (height,) if height == width else ()


def find_smallest_size(takes: Takes, size: Size, step: int) -> Size:
    """The smallest size that it takes, found by halving between two of SIDES."""

    def shrunk(steps: int) -> Size:
        return size[0] - steps * step, size[1] - steps * step

    most = (min(size) - 1) // step
    steps, too_many = 0, most + 1
    for side in (*SIDES, min(size)):
        steps = min(most, max(0, (min(size) - side) // step))
        if takes(shrunk(steps)):
            break
        too_many = steps
    # Most networks begin at one of SIDES, so the next step is tried before halving.
    probe = steps + 1
    while too_many - steps > 1:
        steps, too_many = (probe, too_many) if takes(shrunk(probe)) else (steps, probe)
        probe = (steps + too_many) // 2
    return shrunk(steps)


def _list_weights(name: str) -> list[JsonObject]:
    from timm.models import get_arch_pretrained_cfgs

    every = get_arch_pretrained_cfgs(name).values()
    found = {cfg.tag or "": cfg for cfg in every if cfg.has_weights}
    default = _get_config(name).tag
    tags = sorted(found, key=lambda tag: tag != default)
    return [_describe_weights(tag, found[tag]) for tag in tags]


def _describe_weights(tag: str, cfg: Any) -> JsonObject:
    weights = {
        "tag": tag,
        "licence": cfg.license or "unknown",
        "hub": cfg.hf_hub_id,
        "size": list(_get_size(cfg.input_size)),
        "classes": cfg.num_classes,
    }
    return weights if cfg.hf_hub_id else {**weights, "url": cfg.url}


def _get_size(shape: Sequence[int]) -> Size:
    _, height, width = shape
    return height, width


def _round_or_none(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
