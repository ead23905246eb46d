"""Whether a model can be trained in the memory of one GPU."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vtspec.pipelines.catalog import CatalogModel
from vtspec.pipelines.estimation.estimate import (
    STATE_BYTES,
    Load,
    Machine,
    gpu_memory_bytes,
    state_bytes,
)
from vtspec.pipelines.formatting import shown_bytes
from vtspec.schema.kinds.field_types import memory_bytes
from vtspec.schema.problem import Problem

from .spec_view import Subject

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import GpuType


def memory_problems(
    subject: Subject, name: str, gpu: "GpuType", model: CatalogModel
) -> Iterator[Problem]:
    """An error where no batch size would fit, a warning where this one is thought not to."""
    has = memory_bytes(gpu.memory)
    least = _least(subject, model)
    if least is not None and least > has:
        yield subject.problem(
            ("resources", "gpuType"),
            f"'{model.name}' cannot be trained on {name}: weights, gradients and optimizer state "
            f"take {shown_bytes(least)}, and it has {shown_bytes(has)}",
            "choose a larger GPU or a smaller model, or freeze the backbone",
        )
        return
    likely = _likely(subject, gpu, model)
    if likely is not None and likely > has:
        yield subject.problem(
            ("training", "batchSize"),
            f"a batch of {subject.value('training', 'batchSize') or 32} is thought to need "
            f"{shown_bytes(likely)} on each GPU, and {name} has {shown_bytes(has)}",
            "set a smaller batchSize, with gradientAccumulation to make up for it",
            severity="warning",
        )


def _least(subject: Subject, model: CatalogModel) -> int | None:
    """Bytes that no batch size avoids: fp32 weights and, of what learns, gradients and state."""
    optimizer = _optimizer(subject)
    if optimizer is None:
        return None
    count = _parameters(subject, model)
    if count is None:
        return None
    has_ema = subject.value("training", "ema") is not None
    if subject.value("training", "freeze") not in (None, "none"):
        # How much learns is not known; that the weights lie there is.
        return count * (8 if has_ema else 4)
    if optimizer in ("sgd", "rmsprop") and subject.value("training", "momentum") == 0:
        return state_bytes(count, optimizer, ema=has_ema) - 4 * count
    return state_bytes(count, optimizer, ema=has_ema)


def _optimizer(subject: Subject) -> str | None:
    if subject.value("training", "optimizer") is None:
        return "adamw"
    optimizer = subject.text("training", "optimizer")
    return optimizer if optimizer in STATE_BYTES else None


def _likely(subject: Subject, gpu: "GpuType", model: CatalogModel) -> int | None:
    batch = subject.number("training", "batchSize", otherwise=32)
    gpus = subject.number("resources", "gpus", otherwise=0)
    if not batch or not gpus or subject.value("training", "freeze") not in (None, "none"):
        return None
    written = subject.value("training", "imageSize")
    size = model.image_size if written is None else subject.image_size
    own, kept, optimizer = model.image_size, model.activations, _optimizer(subject)
    if size is None or own is None or kept is None or optimizer is None:
        return None
    area = size[0] * size[1] / (own[0] * own[1])
    precision = subject.text("training", "precision") or "auto"
    load = Load(
        model=model.name,
        parameters=_parameters(subject, model),
        gmacs=None,
        kept_millions=kept * area,
        image_size=size,
        train_images=None,
        val_images=None,
        test_images=0,
        epochs=1,
        batch_size=int(batch),
        workers=0,
        precision=precision if precision != "auto" else ("bf16" if gpu.bf16 else "fp16"),
        optimizer=optimizer,
        ema=subject.value("training", "ema") is not None,
    )
    return gpu_memory_bytes(load, Machine(gpus=int(gpus), cpus=1))


def _parameters(subject: Subject, model: CatalogModel) -> int | None:
    classes = len(subject.classes)
    return model.parameters_for(classes) if classes else model.parameters
