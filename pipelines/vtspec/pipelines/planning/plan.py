"""A spec and what the world says into a plan. Pure: no clock, no file, no network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel

from vtspec.adapters.contract import Param
from vtspec.adapters.metrics import main_metric
from vtspec.adapters.task_types import TaskType
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.estimation.estimate import (
    Estimate,
    Load,
    Machine,
    Timing,
    estimate,
    images_of,
)
from vtspec.pipelines.weights.model import (
    HUB,
    Configuration,
    Weights,
)
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment

from .digest import digest_of, id_of, policy_material, result_material
from .origins import is_set, origins_of, outer_origins
from .plan_model import Framework, Plan, PlannedDataset, PlannedModel, PlanStep
from .plan_warnings import Doubts, cautions

EXPORT_ORDER: Final = ("safetensors", "onnx")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the catalog says of the model, with a head for the experiment's classes.

    `image_size` (height, width) is the model's own, None where nobody told it or it has no images;
    `gmacs` (10^9 multiply-adds) and `kept_millions` (10^6 values kept for the backward pass) are
    of one image of that size.
    """

    parameters: int | None
    image_size: tuple[int, int] | None
    gmacs: float | None = None
    kept_millions: float | None = None


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the world says, read before planning by `vtspec.pipelines.planning.resolve`.

    `hash_origin` is the file that pins the data. `params` are the adapter's own, None where the
    adapter is not there yet. `machine` is what `vtspec.yaml` says of the resources that the spec
    asks for; `has_bf16` is None where no GPU type is named. `timings` are of earlier runs, oldest
    first. `overridden` are the dotted paths below `spec` that were set on the command line.
    `licence_is_clear` says whether the weights' licence allows any use; `configuration` is that of
    a model of a hub, where the weights do not pin it. `doubts` are warnings found while reading.
    """

    spec_path: str
    dataset: Dataset
    dataset_hash: str
    framework: Framework
    model: ModelFacts
    params: Mapping[str, Param] | None
    weights: Weights | None
    machine: Machine
    hash_origin: str = "dataset"
    has_bf16: bool | None = None
    licence_is_clear: bool = True
    configuration: Configuration | None = None
    timings: tuple[Timing, ...] = ()
    overridden: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()


def plan(spec: Experiment, inputs: Inputs) -> Plan:
    """The plan of a spec that was checked. The same arguments give the same plan, anywhere."""
    training, training_origins = _training(spec, inputs)
    params, params_origins = _params(spec, inputs)
    dataset = _dataset(spec, inputs)
    report = {
        "baseline": spec.spec.report.baseline,
        "gates": [_gate(gate) for gate in spec.spec.report.gates],
    }
    resources = _dump(spec.spec.resources)
    tracking = {
        "experiment": spec.spec.tracking.experiment or dataset.name,
        "registerAs": spec.spec.tracking.register_as,
    }
    origins = {
        **outer_origins(spec),
        "dataset.hash": inputs.hash_origin,
        **training_origins,
        **params_origins,
    }
    origins |= {path: "--set" for path in origins if is_set(path, inputs.overridden)}
    load = _load(spec, inputs, training, dataset)
    guess = estimate(load, inputs.machine, inputs.timings)
    draft = Plan(
        name=spec.metadata.name,
        id="",
        digest="",
        spec_path=inputs.spec_path,
        task=spec.spec.task,
        framework=inputs.framework,
        model=PlannedModel(
            name=spec.spec.model.name,
            parameters=inputs.model.parameters,
            weights=inputs.weights,
            configuration=inputs.configuration,
        ),
        dataset=dataset,
        training=training,
        params=params,
        resources=resources,
        export={"formats": [name for name in EXPORT_ORDER if _is_exported(name, spec)]},
        tracking=tracking,
        report=report,
        description=spec.spec.description,
        origins=origins,
        steps=_steps(resources),
        estimate=guess,
        warnings=(*inputs.doubts, *cautions(_doubts(spec, inputs, guess))),
    )
    return _named(draft)


def refuse_unpinned(plan: Plan) -> None:
    """Raise where something in a plan is not pinned: nobody knows what it would run.

    `Temporary` where a hub may answer the next time, `Refused` where nothing can.
    """
    unpinned = plan.model.unpinned
    if unpinned is None:
        return
    source = unpinned.source
    if source.startswith(HUB):
        raise Temporary(
            f"the plan does not say which commit of {source} it starts from: neither the hub nor "
            "the local cache could tell when it was made",
            fix=f"try again, or set model.weights: {source.partition('@')[0]}@<commit>",
            delay_s=30,
        )
    raise Refused(
        f"the weights of {plan.model.name} are a plain download ({source}) that nothing pins",
        fix="name other weights (vtspec models search --pretrained), or save them as a "
        ".safetensors file here and set model.weights to its path",
    )


def _named(draft: Plan) -> Plan:
    raw = draft.to_json()
    material = result_material(raw)
    return replace(
        draft,
        id=id_of(draft.name, material),
        digest=digest_of(draft.name, material, policy_material(raw)),
    )


def _training(spec: Experiment, inputs: Inputs) -> tuple[dict[str, Any], dict[str, str]]:
    training = spec.spec.training
    resolved = _dump(training)
    origins = origins_of(training, "training")
    size = training.image_size
    if size is None:
        size = inputs.model.image_size
        origins["training.imageSize"] = "model"
    # Without a size that anybody told, it is the adapter's to choose, or there are no images.
    resolved["imageSize"] = list(size) if isinstance(size, tuple) else size and [size, size]
    if training.precision == "auto":
        resolved["precision"] = _precision(spec.spec.resources.gpus, inputs.has_bf16)
        origins["training.precision"] = "resources"
    monitor = training.checkpoint.monitor
    if monitor is None:
        monitor = main_metric(TaskType(spec.spec.task)).name
        origins["training.checkpoint.monitor"] = "task"
    resolved["checkpoint"]["monitor"] = monitor
    return resolved, origins


def _precision(gpus: int, has_bf16: bool | None) -> Literal["fp32", "bf16", "fp16"]:
    if not gpus:
        return "fp32"
    # A GPU of no known type is taken for one of this decade; a warning says so.
    return "fp16" if has_bf16 is False else "bf16"


def _params(spec: Experiment, inputs: Inputs) -> tuple[dict[str, Any], dict[str, str]]:
    written = spec.spec.params
    if inputs.params is None:
        return dict(written), {f"params.{name}": "spec" for name in written}
    task = TaskType(spec.spec.task)
    known = {
        name: param
        for name, param in inputs.params.items()
        if param.tasks is None or task in param.tasks
    }
    values = {
        name: _typed(param, written.get(name, param.default)) for name, param in known.items()
    }
    origins = {f"params.{name}": "spec" if name in written else "default" for name in known}
    return values, origins


def _typed(param: Param, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if param.type == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if param.type == "float" and isinstance(value, int):
        return float(value)
    return value


def _dataset(spec: Experiment, inputs: Inputs) -> PlannedDataset:
    known = inputs.dataset.spec
    source = known.source
    return PlannedDataset(
        name=inputs.dataset.metadata.name,
        format=known.format,
        hash=inputs.dataset_hash,
        source={"type": "dvc", **_dump(source.dvc)}
        if source.dvc is not None
        else {"type": "path", "path": source.path},
        classes=spec.spec.dataset.classes or known.classes,
        all_classes=known.classes,
        splits={
            name: _dump(split)
            for name, split in (
                ("train", known.splits.train),
                ("val", known.splits.val),
                ("test", known.splits.test),
            )
            if split is not None
        },
        final_split="val" if known.splits.test is None else "test",
        statistics=None if known.statistics is None else _dump(known.statistics),
    )


def _steps(resources: Mapping[str, Any]) -> tuple[PlanStep, ...]:
    gpus, cpus, memory = resources["gpus"], resources["cpus"], resources["memory"]

    def step(name: str, needs: tuple[str, ...], gpus: int, cpus: int) -> PlanStep:
        may_use = {"gpus": gpus, "cpus": cpus, "memory": memory}
        return PlanStep(
            name=name, command=("vtspec", "step", name), needs=needs, resources=may_use
        )

    return (
        step("data", (), 0, 1),
        step("train", ("data",), gpus, cpus),
        # One image after another needs no more than one GPU.
        step("evaluate", ("train",), min(1, gpus), cpus),
        step("export", ("train",), 0, cpus),
        step("report", ("evaluate", "export"), 0, 1),
    )


def _load(
    spec: Experiment, inputs: Inputs, training: Mapping[str, Any], dataset: PlannedDataset
) -> Load:
    size, own = training["imageSize"], inputs.model.image_size
    area = None if size is None or own is None else size[0] * size[1] / (own[0] * own[1])
    counts = images_of(dataset.statistics, dataset.classes, dataset.all_classes)
    return Load(
        model=spec.spec.model.name,
        parameters=inputs.model.parameters,
        gmacs=_scaled(inputs.model.gmacs, area),
        kept_millions=_scaled(inputs.model.kept_millions, area),
        image_size=None if size is None else (size[0], size[1]),
        train_images=counts.get("train"),
        val_images=counts.get("val"),
        test_images=counts.get("test", 0),
        epochs=training["epochs"],
        batch_size=training["batchSize"],
        workers=training["workers"],
        precision=training["precision"],
        optimizer=training["optimizer"],
        ema=training["ema"] is not None,
    )


def _scaled(value: float | None, area: float | None) -> float | None:
    return None if value is None or area is None else value * area


def _doubts(spec: Experiment, inputs: Inputs, guess: Estimate) -> Doubts:
    return Doubts(
        spec=spec,
        framework=inputs.framework.name,
        adapter_is_there=inputs.params is not None,
        weights=inputs.weights,
        configuration=inputs.configuration,
        licence_is_clear=inputs.licence_is_clear,
        estimate=guess,
        has_test=inputs.dataset.spec.splits.test is not None,
    )


def _gate(gate: str) -> str:
    """The gate as `metric >= number`, whatever its spaces and the way its number is written."""
    mark = next(mark for mark in (">=", "<=", ">", "<") if mark in gate)
    metric, number = gate.split(mark, 1)
    value = float(number)
    # A number too large for a float, or for a reader, stays as it was typed.
    shown = f"{value:g}" if float(f"{value:g}") == value and abs(value) < 1e300 else number.strip()
    return f"{metric.strip()} {mark} {shown}"


def _is_exported(name: str, spec: Experiment) -> bool:
    return name == "safetensors" or name in spec.spec.export.formats


def _dump(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(mode="json", by_alias=True)
