"""A spec and what the world says into a plan. Pure: no clock, no file, no network."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from pydantic import BaseModel

from vtspec.adapters.contract import Param, Split
from vtspec.adapters.metrics import get_main_metric
from vtspec.adapters.task_types import TaskType
from vtspec.pipelines.catalog import (
    Framework,
    Supported,
    choose_default,
    find_conflicts,
    find_unsupported,
    refuse_download,
)
from vtspec.pipelines.data.source import DvcSource, PathSource
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.estimation.estimate import (
    START_S,
    Estimate,
    Machine,
    Timing,
    Workload,
    count_images,
    estimate_run,
)
from vtspec.pipelines.weights.model import (
    HUB,
    Configuration,
    Weights,
)
from vtspec.schema.kinds.dataset import Dataset, Source
from vtspec.schema.kinds.experiment import Experiment

from .digest import ADAPTATIONS, STOP, identify
from .origins import collect_origins, collect_outer_origins, is_set
from .plan_model import (
    Plan,
    PlannedDataset,
    PlannedFramework,
    PlannedModel,
    build_steps,
    choose_final_split,
    parse_section,
)
from .plan_sections import (
    ParamValue,
    PlannedExport,
    PlannedReport,
    PlannedResources,
    PlannedStatistics,
    PlannedTracking,
    PlannedTraining,
    Precision,
)
from .plan_warnings import WarningInputs, collect_warnings
from .seeds import list_seeds

# The weights first: the others are made from them.
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
class PlanInputs:
    """What the world says, read before planning by `vtspec.pipelines.planning.resolve`.

    `hash_origin` is the file that pins the data. `params` are the adapter's own, None where the
    adapter is not there yet. `machine` is what `vtspec.yaml` says of the resources that the spec
    asks for; `has_bf16` is None where no GPU type is named. `timings` are of earlier runs, oldest
    first. `overridden` are the dotted paths below `spec` that were set on the command line.
    `licence_is_clear` says whether the weights' licence allows any use; `configuration` is that of
    a model of a hub, where the weights do not pin it. `doubts` are warnings found while reading.
    `overrides` are what was typed for it (`training.epochs=1`), `baseline_plan` is the id that the
    baseline's spec has as it stands, `start_s` are the seconds that the framework takes to start,
    `supported` are the fields of which its adapter cannot do every value.
    """

    spec_path: str
    dataset: Dataset
    dataset_hash: str
    framework: PlannedFramework
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
    overrides: tuple[str, ...] = ()
    baseline_plan: str | None = None
    start_s: float = START_S
    supported: Supported = field(default_factory=dict)


def build_plan(spec: Experiment, inputs: PlanInputs) -> Plan:
    """The plan of a spec that was checked. The same arguments give the same plan, anywhere."""
    training, training_origins = _resolve_training(spec, inputs)
    params, params_origins = _resolve_params(spec, inputs)
    dataset = _build_dataset(spec, inputs)
    report = PlannedReport(
        baseline=spec.spec.report.baseline,
        baseline_plan=inputs.baseline_plan,
        gates=tuple(_normalize_gate(gate) for gate in spec.spec.report.gates),
        allow_adapted=spec.spec.report.allow_adapted,
        seeds=list_seeds(training.seed, spec.spec.report.seeds),
    )
    resources = parse_section(PlannedResources, _dump(spec.spec.resources))
    tracking = PlannedTracking(
        experiment=spec.spec.tracking.experiment or dataset.name,
        register_as=spec.spec.tracking.register_as,
    )
    origins = {
        **collect_outer_origins(spec),
        "dataset.hash": inputs.hash_origin,
        **training_origins,
        **params_origins,
        **({} if inputs.baseline_plan is None else {"report.baselinePlan": "baseline"}),
    }
    # A plan that is judged alone says nothing of seeds, and so is as it was before there were any.
    if not report.seeds:
        del origins["report.seeds"]
    if not report.allow_adapted:
        del origins["report.allowAdapted"]
    for name in ADAPTATIONS:
        if _dump(spec.spec.training)[name] == STOP:
            del origins[f"training.{name}"]
    # Last, since a value that was typed for this run hides where it would have come from.
    origins |= {path: "--set" for path in origins if is_set(path, inputs.overridden)}
    load = _build_workload(spec, inputs, training, dataset)
    guess = estimate_run(load, inputs.machine, inputs.timings)
    # The id is a digest over the plan's own JSON, so that the plan is made first without one.
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
        export=PlannedExport(
            formats=tuple(name for name in EXPORT_ORDER if _is_exported(name, spec))
        ),
        tracking=tracking,
        report=report,
        description=spec.spec.description,
        origins=origins,
        steps=build_steps(resources),
        estimate=guess,
        overrides=inputs.overrides,
        warnings=(*inputs.doubts, *collect_warnings(_build_warning_inputs(spec, inputs, guess))),
    )
    return _assign_id(draft)


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
    raise refuse_download(source)


def refuse_unsupported(plan: Plan, framework: Framework) -> None:
    """Raise `Refused` where the framework's adapter cannot do what a plan says, with all of it."""
    told = plan.to_json()
    settings: dict[str, object] = {
        f"{section}.{name}": value
        for section in ("training", "params", "resources", "export")
        for name, value in told[section].items()
    }
    settings |= {"task": plan.task, "model.name": plan.model.name}
    # As `find_conflicts` has them: the parts of a field by themselves, too.
    for path, value in list(settings.items()):
        if isinstance(value, Mapping) and path.startswith("training."):
            settings |= {f"{path}.{name}": part for name, part in value.items()}
    found = find_unsupported(framework, settings) + find_conflicts(framework, settings)
    if found:
        raise Refused(
            "; ".join(f"{one.path}: {one.message}" for one in found),
            fix="; ".join(one.fix for one in found),
        )


def _assign_id(draft: Plan) -> Plan:
    names = identify(draft.to_json())
    return replace(draft, id=names.id, digest=names.digest)


def _resolve_training(
    spec: Experiment, inputs: PlanInputs
) -> tuple[PlannedTraining, dict[str, str]]:
    training = spec.spec.training
    origins = collect_origins(training, "training")
    size = training.image_size
    if size is None:
        size = inputs.model.image_size
        origins["training.imageSize"] = "model"
    precision = training.precision
    if precision == "auto":
        precision = _choose_precision(spec.spec.resources.gpus, inputs.has_bf16)
        origins["training.precision"] = "resources"
    monitor = training.checkpoint.monitor
    if monitor is None:
        monitor = get_main_metric(TaskType(spec.spec.task)).name
        origins["training.checkpoint.monitor"] = "task"
    resolved = {
        **_dump(training),
        **_choose_defaults(_dump(training), origins, inputs.supported),
        # Without a size that anybody told, it is the adapter's to choose, or there are no images.
        "imageSize": [size, size] if isinstance(size, int) else size and list(size),
        "precision": precision,
        "checkpoint": {"monitor": monitor, "every": training.checkpoint.every},
    }
    return parse_section(PlannedTraining, resolved), origins


def _choose_defaults(
    training: Mapping[str, object], origins: dict[str, str], supported: Supported
) -> dict[str, object]:
    """The adapter's own default for each field that was left out and whose usual one it cannot
    do; noted in `origins`."""
    chosen: dict[str, object] = {}
    for name, usual in training.items():
        path = f"training.{name}"
        if origins.get(path) == "default" and path in supported:
            value = choose_default(supported, path, usual)
            if value != usual:
                chosen[name], origins[path] = value, "adapter"
    return chosen


def _choose_precision(gpus: int, has_bf16: bool | None) -> Precision:
    if not gpus:
        return "fp32"
    # A GPU of no known type is taken for one of this decade; a warning says so.
    return "fp16" if has_bf16 is False else "bf16"


def _resolve_params(
    spec: Experiment, inputs: PlanInputs
) -> tuple[dict[str, ParamValue], dict[str, str]]:
    written = spec.spec.params
    # Nobody can say what the parameters are; the plan shows what was written and is not run.
    if inputs.params is None:
        return dict(written), {f"params.{name}": "spec" for name in written}
    task = TaskType(spec.spec.task)
    known = {
        name: param
        for name, param in inputs.params.items()
        if param.tasks is None or task in param.tasks
    }
    values = {
        name: _cast_value(param, written.get(name, param.default)) for name, param in known.items()
    }
    origins = {f"params.{name}": "spec" if name in written else "default" for name in known}
    return values, origins


def _cast_value(param: Param, value: ParamValue) -> ParamValue:
    # A bool is an int to Python, and would become 1.
    if isinstance(value, bool):
        return value
    if param.type == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    if param.type == "float" and isinstance(value, int):
        return float(value)
    return value


def _build_dataset(spec: Experiment, inputs: PlanInputs) -> PlannedDataset:
    known = inputs.dataset.spec
    splits = {
        name: parse_section(Split, _dump(split))
        for name, split in (
            ("train", known.splits.train),
            ("val", known.splits.val),
            ("test", known.splits.test),
        )
        if split is not None
    }
    return PlannedDataset(
        name=inputs.dataset.metadata.name,
        format=known.format,
        hash=inputs.dataset_hash,
        source=_build_source(known.source),
        classes=spec.spec.dataset.classes or known.classes,
        all_classes=known.classes,
        splits=splits,
        final_split=choose_final_split(splits),
        statistics=None
        if known.statistics is None
        else cast("PlannedStatistics", _dump(known.statistics)),
        licence=known.license,
        # Of another task they decide nothing.
        keypoints=(known.keypoints or None) if spec.spec.task == "pose-estimation" else None,
    )


def _build_source(source: Source) -> DvcSource | PathSource:
    if source.dvc is not None:
        return parse_section(DvcSource, _dump(source.dvc))
    # The schema takes exactly one of the two.
    assert source.path is not None
    return PathSource(path=source.path)


def _build_workload(
    spec: Experiment, inputs: PlanInputs, training: PlannedTraining, dataset: PlannedDataset
) -> Workload:
    # Operations grow with the area of the image, for a convolution exactly, for others nearly.
    size, own = training.image_size, inputs.model.image_size
    area = None if size is None or own is None else size[0] * size[1] / (own[0] * own[1])
    counts = count_images(dataset.statistics, spec.spec.task, dataset.classes, dataset.all_classes)
    return Workload(
        model=spec.spec.model.name,
        parameters=inputs.model.parameters,
        gmacs=_scale(inputs.model.gmacs, area),
        kept_millions=_scale(inputs.model.kept_millions, area),
        image_size=size,
        train_images=counts.get("train"),
        val_images=counts.get("val"),
        test_images=counts.get("test", 0),
        epochs=training.epochs,
        batch_size=training.batch_size,
        workers=training.workers,
        precision=training.precision,
        optimizer=training.optimizer,
        ema=training.ema is not None,
        image_bytes=_measure_image(dataset.statistics),
        start_s=inputs.start_s,
    )


def _measure_image(statistics: PlannedStatistics | None) -> float | None:
    """The mean size of an image's file, where anybody counted."""
    if statistics is None or not statistics["bytes"] or not statistics["images"]:
        return None
    return statistics["bytes"] / statistics["images"]


def _scale(value: float | None, area: float | None) -> float | None:
    return None if value is None or area is None else value * area


def _build_warning_inputs(spec: Experiment, inputs: PlanInputs, guess: Estimate) -> WarningInputs:
    return WarningInputs(
        spec=spec,
        framework=inputs.framework,
        dataset=inputs.dataset,
        weights=inputs.weights,
        configuration=inputs.configuration,
        licence_is_clear=inputs.licence_is_clear,
        estimate=guess,
        has_test=inputs.dataset.spec.splits.test is not None,
    )


def _normalize_gate(gate: str) -> str:
    """The gate as `metric >= number`, whatever its spaces and the way its number is written."""
    mark = next(mark for mark in (">=", "<=", ">", "<") if mark in gate)
    metric, number = gate.split(mark, 1)
    value = float(number)
    # A number too large for a float, or for a reader, stays as it was typed.
    shown = f"{value:g}" if float(f"{value:g}") == value and abs(value) < 1e300 else number.strip()
    return f"{metric.strip()} {mark} {shown}"


def _is_exported(name: str, spec: Experiment) -> bool:
    # What later runs and endpoints start from is always written.
    return name == "safetensors" or name in spec.spec.export.formats


def _dump(part: BaseModel) -> dict[str, object]:
    return part.model_dump(mode="json", by_alias=True)
