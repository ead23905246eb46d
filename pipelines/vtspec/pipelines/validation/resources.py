"""GPUs: that the type is known, and has what is asked of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vtspec.pipelines.catalog import CatalogModel
from vtspec.schema.kinds.rules import suggest_line
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import suggest_fix

from .spec_view import SpecView

if TYPE_CHECKING:
    from vtspec.schema.kinds.project import GpuType


def check_resources(subject: SpecView, model: CatalogModel | None) -> Iterator[Problem]:
    """What is wrong with the GPUs that are asked for; nothing where none are."""
    gpus = subject.get_number("resources", "gpus", otherwise=0)
    if not gpus or gpus < 1:
        return
    types = subject.repository.project.spec.gpu_types
    name = subject.get_text("resources", "gpuType")
    if name is None:
        yield from _warn_untyped_gpus(subject, types)
        return
    gpu = types.get(name)
    if gpu is None:
        otherwise = f"describe it in vtspec.yaml: 'gpuTypes: {{{name}: {{memory: 80Gi}}}}'"
        fix = suggest_fix(name, types, otherwise)
        message = f"vtspec.yaml describes no GPU type '{name}'"
        yield subject.make_problem(("resources", "gpuType"), message, fix)
        return
    yield from _check_precision(subject, name, gpu)
    if model is not None:
        # The estimate imports Python's statistics, which a spec without GPUs has no use for.
        from .gpu_memory import check_memory

        yield from check_memory(subject, name, gpu, model)


def _warn_untyped_gpus(subject: SpecView, types: "dict[str, GpuType]") -> Iterator[Problem]:
    # Where vtspec.yaml describes none, there is none to name.
    if types:
        yield subject.make_problem(
            ("resources", "gpus"),
            "has no gpuType beside it, so memory, time and cost cannot be told",
            suggest_line(f"gpuType: {next(iter(types))}", subject.get_value("resources"))
            + " under 'resources'",
            at_key=True,
            severity="warning",
        )


def _check_precision(subject: SpecView, name: str, gpu: "GpuType") -> Iterator[Problem]:
    if subject.get_value("training", "precision") == "bf16" and not gpu.bf16:
        yield subject.make_problem(
            ("training", "precision"),
            f"{name} has no bfloat16, so it would be emulated",
            "set precision to auto or fp16",
            severity="warning",
        )
