"""Whether a model can be trained in the memory of one GPU."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vtspec.pipelines.catalog import CatalogModel
from vtspec.pipelines.estimation.estimate import (
    STATE_BYTES,
    Machine,
    Workload,
    count_state_bytes,
    estimate_gpu_memory,
)
from vtspec.pipelines.formatting import format_size
from vtspec.schema.kinds.patterns import parse_memory
from vtspec.schema.problem import Problem

from .objectives import WITH_MOMENTUM
from .spec_view import SpecView

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import GpuType


def check_memory(
    subject: SpecView, name: str, gpu: "GpuType", model: CatalogModel
) -> Iterator[Problem]:
    """An error where no batch size would fit, a warning where this one is thought not to."""
    has = parse_memory(gpu.memory)
    least = _estimate_min_bytes(subject, model)
    if least is not None and least > has:
        yield subject.make_problem(
            ("resources", "gpuType"),
            f"'{model.name}' cannot be trained on {name}: weights, gradients and optimizer state "
            f"take {format_size(least, 'rough')}, and it has {format_size(has, 'rough')}",
            "choose a larger GPU or a smaller model, or freeze the backbone",
        )
        return
    likely = _estimate_gpu_bytes(subject, model)
    if likely is not None and likely > has:
        yield subject.make_problem(
            ("training", "batchSize"),
            f"a batch of {subject.batch_size} is thought to need "
            f"{format_size(likely, 'rough')} on each GPU, and {name} has "
            f"{format_size(has, 'rough')}",
            "set a smaller batchSize, with gradientAccumulation to make up for it",
            severity="warning",
        )


def _estimate_min_bytes(subject: SpecView, model: CatalogModel) -> int | None:
    """Bytes that no batch size avoids: fp32 weights and, of what learns, gradients and state."""
    optimizer = _find_optimizer(subject)
    if optimizer is None:
        return None
    count = _count_parameters(subject, model)
    if count is None:
        return None
    has_ema = subject.get_value("training", "ema") is not None
    if subject.get_value("training", "freeze") not in (None, "none"):
        # How much learns is not known; that the weights lie there is.
        return count * (8 if has_ema else 4)
    # Of these two the one moment in fp32 that the momentum takes is not kept without it.
    if optimizer in WITH_MOMENTUM and subject.get_value("training", "momentum") == 0:
        return count_state_bytes(count, optimizer, ema=has_ema) - 4 * count
    return count_state_bytes(count, optimizer, ema=has_ema)


def _find_optimizer(subject: SpecView) -> str | None:
    if subject.get_value("training", "optimizer") is None:
        return "adamw"
    optimizer = subject.get_text("training", "optimizer")
    return optimizer if optimizer in STATE_BYTES else None


def _estimate_gpu_bytes(subject: SpecView, model: CatalogModel) -> int | None:
    batch = subject.batch_size
    gpus = subject.get_number("resources", "gpus", otherwise=0)
    # The catalogs count what a pass keeps where everything learns; frozen layers keep less, and
    # nobody counted how much.
    if not batch or not gpus or subject.get_value("training", "freeze") not in (None, "none"):
        return None
    written = subject.get_value("training", "imageSize")
    size = model.image_size if written is None else subject.image_size
    own, kept, optimizer = model.image_size, model.activations, _find_optimizer(subject)
    if size is None or own is None or kept is None or optimizer is None:
        return None
    area = size[0] * size[1] / (own[0] * own[1])
    load = Workload(
        model=model.name,
        parameters=_count_parameters(subject, model),
        # Of time, which is not asked for, nothing need be known.
        gmacs=None,
        kept_millions=kept * area,
        image_size=size,
        train_images=None,
        val_images=None,
        test_images=0,
        epochs=1,
        batch_size=int(batch),
        workers=0,
        # On a GPU auto is bf16 or fp16, and all but fp32 take two bytes a number.
        precision=subject.get_text("training", "precision") or "auto",
        optimizer=optimizer,
        ema=subject.get_value("training", "ema") is not None,
    )
    return estimate_gpu_memory(load, Machine(gpus=int(gpus), cpus=1))


def _count_parameters(subject: SpecView, model: CatalogModel) -> int | None:
    classes = len(subject.classes)
    # Where the classes are not known, the published head is nearer than one of no classes.
    return model.count_parameters(classes) if classes else model.parameters
