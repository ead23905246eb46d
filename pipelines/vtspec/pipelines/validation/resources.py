"""GPUs: that the type is known, and has what is asked of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vtspec.pipelines.catalog import CatalogModel
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import did_you_mean

from .spec_view import Subject

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import GpuType


def resource_problems(subject: Subject, model: CatalogModel | None) -> Iterator[Problem]:
    """What is wrong with the GPUs that are asked for; nothing where none are."""
    gpus = subject.number("resources", "gpus", otherwise=0)
    if not gpus or gpus < 1:
        return
    types = subject.world.project().spec.gpu_types
    name = subject.text("resources", "gpuType")
    if name is None:
        yield from _untyped(subject, types)
        return
    gpu = types.get(name)
    if gpu is None:
        otherwise = f"describe it in vtspec.yaml: 'gpuTypes: {{{name}: {{memory: 80Gi}}}}'"
        fix = did_you_mean(name, types, otherwise)
        message = f"vtspec.yaml describes no GPU type '{name}'"
        yield subject.problem(("resources", "gpuType"), message, fix)
        return
    yield from _precision(subject, name, gpu)
    if model is not None:
        from .gpu_memory import memory_problems

        yield from memory_problems(subject, name, gpu, model)


def _untyped(subject: Subject, types: "dict[str, GpuType]") -> Iterator[Problem]:
    if types:
        yield subject.problem(
            ("resources", "gpus"),
            "has no gpuType beside it, so memory, time and cost cannot be told",
            f"add 'gpuType: {next(iter(types))}' under 'resources'",
            at_key=True,
            severity="warning",
        )


def _precision(subject: Subject, name: str, gpu: "GpuType") -> Iterator[Problem]:
    if subject.value("training", "precision") == "bf16" and not gpu.bf16:
        yield subject.problem(
            ("training", "precision"),
            f"{name} has no bfloat16, so it would be emulated",
            "set precision to auto or fp16",
            severity="warning",
        )
